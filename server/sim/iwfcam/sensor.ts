// What makes a camera's media: sensor, microphone, the one counter that numbers both (section 11.3), and the clock that
// stamps them. They run only while somebody wants them.

import type { Clock, Timer } from '../../core/clock.ts';
import { liveMask } from '../../drivers/iwfcam/wire.ts';
import type { Picture, PictureReader } from '../pictures.ts';
import { BLOCK_MS, toneBlock } from './tone.ts';

/** Options of {@link Sensor}. */
export type SensorOptions = {
  readonly clock: Clock;
  readonly reader: PictureReader;
  readonly fps: number;
  readonly firstFrameIndex: number;
  readonly onPicture: (picture: Picture, frameIndex: number) => void;
  readonly onSound: (block: Uint8Array, frameIndex: number) => void;
  /** So many pictures or blocks could not be made in time. */
  readonly onMissed: (count: number) => void;
};

/** Longest delay of this process that a camera makes good. */
const MAX_CATCH_UP_MS = 200;
const U16 = 0xffff;

/** Sensor and microphone of one camera. */
export class Sensor {
  /** Pictures per second; may be changed at any time. */
  fps: number;
  /** Hangs: no picture and no sound comes out. */
  isStalled = false;
  readonly #options: SensorOptions;
  readonly #clock: Clock;
  #frameIndex: number;
  #bootMs: number;
  #videoTimer: Timer | null = null;
  #audioTimer: Timer | null = null;
  #audioBlocks = 0;

  constructor(options: SensorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.fps = options.fps;
    this.#frameIndex = options.firstFrameIndex & U16;
    this.#bootMs = options.clock.monoMs();
  }

  /** Milliseconds since the camera booted, as its packets carry them. */
  get uptimeMs(): number {
    return Math.floor(this.#clock.monoMs() - this.#bootMs) >>> 0;
  }

  /** Runs what is wanted: bit 0 pictures, bit 1 sound. */
  run(mask: number): void {
    if ((mask & liveMask.video) === 0) {
      this.#videoTimer?.cancel();
      this.#videoTimer = null;
    } else this.#videoTimer ??= this.#clock.after(0, () => this.#videoTick(this.#clock.monoMs()));
    if ((mask & liveMask.audio) === 0) {
      this.#audioTimer?.cancel();
      this.#audioTimer = null;
    } else this.#audioTimer ??= this.#clock.after(BLOCK_MS, () => this.#audioTick(this.#clock.monoMs()));
  }

  /** One picture out of turn. */
  snapshot(): Picture | null {
    return this.#options.reader.next();
  }

  /** The next value of the counter of all media. */
  takeFrameIndex(): number {
    const index = this.#frameIndex;
    this.#frameIndex = (index + 1) & U16;
    return index;
  }

  /** Power off and on: nothing runs, counter and clock begin at 0. */
  restart(): void {
    this.run(liveMask.none);
    this.#frameIndex = 0;
    this.#audioBlocks = 0;
    this.#bootMs = this.#clock.monoMs();
  }

  #videoTick(dueMs: number): void {
    const nextMs = this.#nextDueMs(dueMs, 1000 / this.fps);
    this.#videoTimer = this.#clock.after(nextMs - this.#clock.monoMs(), () => this.#videoTick(nextMs));
    const picture = this.isStalled ? null : this.#options.reader.next();
    if (picture) this.#options.onPicture(picture, this.takeFrameIndex());
  }

  #audioTick(dueMs: number): void {
    const nextMs = this.#nextDueMs(dueMs, BLOCK_MS);
    this.#audioTimer = this.#clock.after(nextMs - this.#clock.monoMs(), () => this.#audioTick(nextMs));
    if (!this.isStalled) this.#options.onSound(toneBlock(this.#audioBlocks++), this.takeFrameIndex());
  }

  /**
   * Steady: a real camera has a processor of its own, so what a busy machine makes late is caught up, and what is too
   * late for that is counted.
   */
  #nextDueMs(dueMs: number, intervalMs: number): number {
    const lateMs = this.#clock.monoMs() - (dueMs + intervalMs);
    if (lateMs < MAX_CATCH_UP_MS) return dueMs + intervalMs;
    const missed = Math.ceil(lateMs / intervalMs);
    this.#options.onMissed(missed);
    return dueMs + (missed + 1) * intervalMs;
  }
}
