// Two-phase deletion: the row says so first, then the file goes, then the row (design/recordings.md).

import type { Bus } from '../core/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Segment, SegmentIndex } from '../store/segment-index.ts';
import type { SegmentFiles } from './segment-files.ts';

/** What deletion works with. */
export type DeletionTools = {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly bus: Bus;
  readonly clock: Clock;
};

/**
 * Deletes a segment for good. One that is already being deleted is left alone.
 * @throws NvrError when the disk refuses; the row stays doomed and the next start goes on
 */
export async function deleteSegment(segment: Segment, tools: DeletionTools): Promise<void> {
  const { files, index, bus, clock } = tools;
  if (!index.doom(segment.id, clock.wallMs())) return;
  await files.remove(segment.path);
  index.forget(segment.id);
  const { camera, folder, id, startAt, endAt } = segment;
  bus.publish('segment.deleted', { camera, slug: folder, segment: id, start: startAt, end: endAt });
  await files.removeEmptyDay(segment.path);
}
