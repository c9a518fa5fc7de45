// Segments of one recording run that are complete and on their way into the index. A closing file never delays the next one.

import { type NvrError, toNvrError } from '../core/nvr-error.ts';
import type { EndReason } from '../store/segment-index.ts';
import type { RecorderOptions, UnindexedSegment } from './recorder-options.ts';
import { type Closed, closeSegment } from './segment-close.ts';
import { PART_SUFFIX } from './segment-files.ts';
import type { SegmentWriter } from './segment-writer.ts';

type Pending = { segment: UnindexedSegment; readonly reason: EndReason; readonly writer: SegmentWriter };

/** A segment without a row, for those who list recordings. */
export function unindexed({ start, path, codec, frames }: SegmentWriter, endAt: number): UnindexedSegment {
  const { startAt, format } = start;
  const part = path + PART_SUFFIX;
  return { startAt, endAt: Math.max(startAt + 1, endAt), frames, bytes: 0, format, codec, path: part, open: false };
}

/** See the head of this file. */
export class Closings {
  readonly #options: Pick<RecorderOptions, 'camera' | 'bus' | 'files' | 'index'>;
  readonly #onError: (error: NvrError) => void;
  readonly #onClosed: () => void;
  readonly #onLost: (pictures: number) => void;
  readonly #work = new Set<Promise<unknown>>();
  readonly #pending = new Set<Pending>();

  /**
   * @param onError told why a segment could not be closed well
   * @param onLost told of pictures that were given to a segment and are not in its file; nobody records them again
   */
  constructor(
    options: Pick<RecorderOptions, 'camera' | 'bus' | 'files' | 'index'>,
    onError: (error: NvrError) => void,
    onClosed: () => void,
    onLost: (pictures: number) => void,
  ) {
    this.#options = options;
    this.#onError = onError;
    this.#onClosed = onClosed;
    this.#onLost = onLost;
  }

  /** Complete and not in the index yet. */
  get unindexed(): UnindexedSegment[] {
    return [...this.#pending].map(({ segment }) => segment);
  }

  /** Closes in the background. @param endAt where it ends */
  close(writer: SegmentWriter, reason: EndReason, endAt: number): void {
    const pending: Pending = { segment: unindexed(writer, endAt), reason, writer };
    this.#pending.add(pending);
    const work = this.#finish(writer, reason, () => pending.segment.endAt).then(
      ({ error, lost }) => {
        if (lost > 0) this.#onLost(lost);
        if (error) this.#onError(error);
      },
      (error: unknown) => this.#onError(toNvrError(error)),
    );
    this.#work.add(work);
    void work.finally(() => {
      this.#work.delete(work);
      this.#pending.delete(pending);
    });
  }

  /** Closes what broke, and says how far it came. @throws NvrError of the disk or the database */
  salvage(writer: SegmentWriter, reason: EndReason): Promise<Closed> {
    return this.#finish(writer, reason, () => null);
  }

  /**
   * The next segment begins here: the end of one before it, an estimate by the distance of its pictures, is not later.
   * After a step of the clock the two have nothing to do with each other.
   */
  nextBegins(startAt: number): void {
    for (const pending of this.#pending) {
      const { segment, reason } = pending;
      if (reason === 'clockStep' || segment.startAt >= startAt || segment.endAt <= startAt) continue;
      pending.segment = { ...segment, endAt: startAt };
    }
  }

  /** Perch ends: ffmpegs that are not done soon are interrupted. */
  hurry(): void {
    for (const { writer } of this.#pending) {
      const timer = writer.hurry();
      void writer.ffmpeg.exited.then(() => timer.cancel());
    }
  }

  /** Resolves when nothing is being closed any more. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async #finish(writer: SegmentWriter, reason: EndReason, endAt: () => number | null): Promise<Closed> {
    const { camera, bus, files, index } = this.#options;
    const closed = await closeSegment(writer, reason, endAt, { files, index, log: camera.log });
    if (closed.segment) {
      const { id, startAt, endAt: end, bytes } = closed.segment;
      this.#onClosed();
      bus.publish('segment.closed', {
        ...{ camera: camera.id, slug: camera.slug, segment: id, start: startAt, end, bytes },
      });
    }
    return closed;
  }
}
