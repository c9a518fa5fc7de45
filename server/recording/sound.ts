// The sound of one recording run: which camera codecs can be recorded, and their place on the continuous line.

import type { AudioFrame } from '../core/frame.ts';
import { PcmTimeline } from '../media/pcm-timeline.ts';
import { decodeSound, isDecodable } from '../media/sound-decoder.ts';

/** Sound heard this recently is expected to go on. */
const EXPECTED_MS = 30_000;

/** Feeds a {@link PcmTimeline}. The line begins with the first picture that is recorded with sound. */
export class Sound {
  timeline: PcmTimeline | null = null;
  #format: { sampleRate: number; channels: number; heardMs: number } | null = null;

  /** Learns that there is sound, without taking it yet: what a segment is opened with is known before its first picture. */
  hear({ codec, sampleRate, channels, monoMs }: AudioFrame): void {
    if (!isDecodable(codec)) return;
    if (this.#format?.sampleRate !== sampleRate || this.#format.channels !== channels) this.timeline = null;
    this.#format = { sampleRate, channels, heardMs: monoMs };
  }

  /** Takes a block. Returns whether its codec can be recorded. */
  add(frame: AudioFrame): boolean {
    const pcm = decodeSound(frame);
    if (!pcm) return false;
    this.hear(frame);
    this.timeline?.add(frame.monoMs, pcm);
    return true;
  }

  /** Whether a segment that begins now should have a sound track. */
  expected(nowMonoMs: number): boolean {
    return this.#format !== null && nowMonoMs - this.#format.heardMs < EXPECTED_MS;
  }

  /** The line for a segment that begins at this picture; goes on from the segment before when there is one. */
  lineFrom(startMonoMs: number): PcmTimeline | null {
    if (!this.#format || !this.expected(startMonoMs)) {
      this.timeline = null;
      return null;
    }
    this.timeline ??= new PcmTimeline(this.#format.sampleRate, this.#format.channels, startMonoMs);
    return this.timeline;
  }

  /** Forgets the line: what follows does not continue it. */
  cut(): void {
    this.timeline = null;
  }
}
