// What is held back before the first file of a recording: whether there is sound, and in which order pictures come, is
// decided once for a file, before its first picture.

import type { HubItem } from '../cameras/frame-hub.ts';
import type { PictureTimes } from '../media/picture-times.ts';
import type { Sound } from './sound.ts';

/** Pictures wait this long for the camera's first sound. */
const LOOK_MS = 1500;
const MAX_LOOK_FRAMES = 256;
/** B-frames show in so many pictures of a group. */
const ORDER_PICTURES = 5;

/** See the head of this file. */
export class FirstLook {
  readonly #sound: Sound;
  readonly #times: PictureTimes;
  readonly #wantsSound: () => boolean;
  #items: HubItem[] = [];
  #sinceMonoMs = 0;

  constructor(sound: Sound, times: PictureTimes, wantsSound: () => boolean) {
    this.#sound = sound;
    this.#times = times;
    this.#wantsSound = wantsSound;
  }

  /** Holds a frame back. */
  add(item: HubItem, nowMonoMs: number): void {
    if (this.#items.length === 0) this.#sinceMonoMs = nowMonoMs;
    this.#items.push(item);
  }

  /** What was held back, once enough is known; else nothing. */
  release(nowMonoMs: number): readonly HubItem[] {
    return this.#isEnough(nowMonoMs) ? this.releaseAll() : [];
  }

  /** What was held back, whatever is known. */
  releaseAll(): readonly HubItem[] {
    const items = this.#items;
    this.#items = [];
    for (const { frame } of items) {
      if (frame.kind === 'audio') this.#sound.hear(frame);
      else this.#times.hear(frame);
    }
    return items;
  }

  #isEnough(nowMonoMs: number): boolean {
    const items = this.#items;
    if (items.length === 0) return false;
    const pictures = items.flatMap(({ frame }) => (frame.kind === 'video' ? [frame] : []));
    const [first] = pictures;
    if (!first) return items.length >= MAX_LOOK_FRAMES;
    // Since the look began, not since the picture was taken: the pictures of a pre-roll are old by nature.
    if (items.length >= MAX_LOOK_FRAMES || nowMonoMs - this.#sinceMonoMs >= LOOK_MS) return true;
    const ordered = first.codec === 'mjpeg' || first.mediaMs === null || this.#times.isReordered;
    if (!ordered && pictures.length < ORDER_PICTURES) return false;
    if (!this.#wantsSound() || this.#sound.expected(first.monoMs)) return true;
    return items.some(({ frame }) => frame.kind === 'audio');
  }
}
