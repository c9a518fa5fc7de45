// Two-phase deletion: the rows say so first, then the files go, then the rows (design/recordings.md).

import type { Bus } from '../core/bus.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { type NvrError, toNvrError } from '../core/nvr-error.ts';
import type { Segment, SegmentIndex } from '../store/segment-index.ts';
import type { SegmentFiles } from './segment-files.ts';

/** A transaction ends after this long: triggers keep sums and spans, and some machines are slow. */
const SLICE_MS = 8;

/** What deletion works with. */
export type DeletionTools = {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Resolves when the database can take much: waited for between batches. */
  readonly room?: () => Promise<void>;
};

/** What became of a batch. `failed`: their rows stay doomed, and the next start goes on. */
export type DeletionResult = { readonly deleted: Segment[]; readonly failed: NvrError[] };

/**
 * Deletes a segment for good. One that is already being deleted is left alone.
 * @throws NvrError when the disk refuses; the row stays doomed and the next start goes on
 */
export async function deleteSegment(segment: Segment, tools: DeletionTools): Promise<void> {
  const { failed } = await deleteSegments([segment], tools);
  if (failed[0]) throw failed[0];
}

/** Works through a list in transactions that each hold the event loop for some milliseconds only, on any machine. */
async function inSlices<T>(items: readonly T[], index: SegmentIndex, work: (item: T) => void): Promise<void> {
  for (let at = 0; at < items.length; ) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    at = index.transaction(() => {
      const until = systemClock.monoMs() + SLICE_MS;
      let next = at;
      do work(items[next++]!);
      while (next < items.length && systemClock.monoMs() < until);
      return next;
    });
  }
}

/** Deletes a batch. @throws when the database cannot be written; what is doomed by then, the next start deletes */
export async function deleteSegments(segments: readonly Segment[], tools: DeletionTools): Promise<DeletionResult> {
  const { files, index, bus, clock } = tools;
  const now = Math.floor(clock.wallMs());
  const doomed: Segment[] = [];
  await inSlices(segments, index, (segment) => {
    if (index.doom(segment.id, now)) doomed.push(segment);
  });
  const deleted: Segment[] = [];
  const failed: NvrError[] = [];
  for (const segment of doomed) {
    try {
      await files.remove(segment.path);
      deleted.push(segment);
    } catch (error) {
      failed.push(toNvrError(error));
    }
  }
  await inSlices(deleted, index, ({ id }) => index.forget(id));
  for (const { camera, folder, id, startAt, endAt } of deleted) {
    bus.publish('segment.deleted', { camera, slug: folder, segment: id, start: startAt, end: endAt });
  }
  const days = new Map(deleted.map(({ path }) => [path.slice(0, path.lastIndexOf('/')), path]));
  for (const path of days.values()) await files.removeEmptyDay(path);
  return { deleted, failed };
}
