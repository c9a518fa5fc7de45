// When a picture is shown. A camera with B-frames sends pictures in the order of decoding: their arrival says nothing about
// when each is shown, the camera's own clock (RTP) does. For all others the arrival is the time: no camera clock is believed.
// Pure; times are the monotonic clock's milliseconds.

import type { VideoFrame } from '../core/frame.ts';

/** A camera's clock that goes back by less than this from one picture to the next is the order of decoding, not a jump. */
const MAX_REORDER_MS = 1000;
/** Pictures of which one may be shown before those that came before it. */
const WINDOW_PICTURES = 16;
/** No camera holds back more; a clock that was set back a little looks like it. */
const MAX_DEPTH = 4;
/** Without any going back for so many pictures, the camera has no B-frames (any more). */
const FORGET_PICTURES = 600;
/** The camera's clock and ours differ by more than this: it has jumped. */
const JUMP_MS = 1000;
/** Key pictures whose smallest lateness is the drift of the camera's clock. */
const DRIFT_KEYS = 8;
/** Most that the times are moved at a key picture. */
const MAX_PULL_MS = 10;

/** One camera's, as long as somebody follows it. */
export class PictureTimes {
  #recentMs: number[] = [];
  #depth = 0;
  #sinceReorder = FORGET_PICTURES;
  #anchor: { mediaMs: number; monoMs: number } | null = null;
  #lates: number[] = [];

  /** Whether pictures come in another order than they are shown. */
  get isReordered(): boolean {
    return this.#sinceReorder < FORGET_PICTURES;
  }

  /** How many pictures come before one that is shown before them; 0 without B-frames. */
  get depth(): number {
    return this.isReordered ? this.#depth : 0;
  }

  /** Learns from a picture, before {@link at} is asked about it. */
  hear({ codec, mediaMs }: Pick<VideoFrame, 'codec' | 'mediaMs'>): void {
    if (codec === 'mjpeg' || mediaMs === null) return;
    const lastMs = this.#recentMs.at(-1) ?? mediaMs;
    if (Math.abs(lastMs - mediaMs) >= MAX_REORDER_MS) this.#recentMs = [];
    const overtaking = this.#recentMs.filter((ms) => ms > mediaMs).length;
    this.#recentMs.push(mediaMs);
    if (this.#recentMs.length > WINDOW_PICTURES) this.#recentMs.shift();
    if (overtaking > 0) {
      this.#depth = Math.min(MAX_DEPTH, Math.max(this.depth, overtaking));
      this.#sinceReorder = 0;
    } else if (this.isReordered) this.#sinceReorder++;
  }

  /** When this picture is shown; call for each, in the order they came. */
  at({ key, mediaMs, monoMs }: Pick<VideoFrame, 'key' | 'mediaMs' | 'monoMs'>): number {
    if (mediaMs === null || !this.isReordered) {
      this.#anchor = mediaMs === null || !key ? this.#anchor : { mediaMs, monoMs };
      this.#lates = [];
      return monoMs;
    }
    this.#anchor ??= { mediaMs, monoMs };
    const lateMs = monoMs - (this.#anchor.monoMs + mediaMs - this.#anchor.mediaMs);
    if (Math.abs(lateMs) > JUMP_MS) {
      this.#anchor = { mediaMs, monoMs };
      this.#lates = [];
      return monoMs;
    }
    if (key) this.#follow(lateMs);
    return this.#anchor.monoMs + mediaMs - this.#anchor.mediaMs;
  }

  #follow(lateMs: number): void {
    this.#lates.push(lateMs);
    if (this.#lates.length < DRIFT_KEYS) return;
    const driftMs = Math.min(...this.#lates);
    this.#lates = [];
    const { mediaMs, monoMs } = this.#anchor!;
    this.#anchor = { mediaMs, monoMs: monoMs + Math.max(-MAX_PULL_MS, Math.min(MAX_PULL_MS, driftMs)) };
  }
}
