// A segment that was cut and is complete but for its last sound: sound comes later than pictures, and what belongs before
// the cut must not get into the next file.

import type { EndReason } from '../store/segment-index.ts';
import { type Closings, unindexed } from './closings.ts';
import type { UnindexedSegment } from './recorder-options.ts';
import type { SegmentWriter } from './segment-writer.ts';
import type { Sound } from './sound.ts';

/** Sound before a cut may arrive this much after it. */
const SOUND_DRAIN_MS = 700;

/** A segment that waits for its last sound; how and where it ends. */
export type Waiting = {
  readonly writer: SegmentWriter;
  readonly reason: EndReason;
  /** Where the next segment begins. */
  readonly untilMonoMs: number;
  readonly endAt: number;
};

/** See the head of this file. At most one segment waits. */
export class SoundTail {
  readonly #sound: Sound;
  readonly #closings: Pick<Closings, 'close'>;
  #waiting: Waiting | null = null;

  constructor(sound: Sound, closings: Pick<Closings, 'close'>) {
    this.#sound = sound;
    this.#closings = closings;
  }

  /** The segment that waits, for those who list recordings. */
  get unindexed(): UnindexedSegment[] {
    return this.#waiting ? [unindexed(this.#waiting.writer, this.#waiting.endAt)] : [];
  }

  /** Takes a segment that was cut. */
  wait(waiting: Waiting): void {
    this.#waiting = waiting;
  }

  /**
   * Gives it what has come, and closes it when that is all, or too late.
   * @param heardMonoMs up to where the hub has been read: a recorder that is behind has sound that it has not seen
   * @returns whether none waits any more
   */
  async drain(heardMonoMs: number): Promise<boolean> {
    const waiting = this.#waiting;
    const { line } = this.#sound;
    if (waiting && line) {
      const { writer, untilMonoMs } = waiting;
      const late = heardMonoMs - untilMonoMs > SOUND_DRAIN_MS;
      await writer.writeSound(late ? line.finishUntil(untilMonoMs) : line.takeUntil(untilMonoMs));
      const missingMs = untilMonoMs - line.positionMs;
      if (missingMs > 1) return false;
    }
    this.close();
    return true;
  }

  /** Closes it with what there is and silence for the rest: two cuts with no picture between. */
  async finish(): Promise<void> {
    const waiting = this.#waiting;
    const { line } = this.#sound;
    if (waiting && line) await waiting.writer.writeSound(line.finishUntil(waiting.untilMonoMs));
    this.close();
  }

  /** Closes it as it is. */
  close(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) this.#closings.close(waiting.writer, waiting.reason, waiting.endAt);
  }

  /** Ends its ffmpeg. */
  kill(): void {
    void this.#waiting?.writer.ffmpeg.kill();
  }
}
