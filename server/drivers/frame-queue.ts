// The short queue between a driver's socket and the reader of its frames. Bounded: a reader that does not read loses
// the oldest. Usable by every driver.

import type { Frame } from '../core/frame.ts';
import type { NvrError } from '../core/nvr-error.ts';

/** Bounds of a {@link FrameQueue}. */
export type FrameQueueLimits = { readonly frames: number; readonly bytes: number };

type Waiter = { resolve(frame: Frame): void; reject(error: NvrError): void };

/** Frames in, one async iteration out. */
export class FrameQueue {
  readonly #limits: FrameQueueLimits;
  readonly #frames: Frame[] = [];
  #bytes = 0;
  #droppedPictures = 0;
  #droppedSounds = 0;
  #waiter: Waiter | null = null;
  #end: NvrError | null = null;

  constructor(limits: FrameQueueLimits) {
    this.#limits = limits;
  }

  /** Pictures that nobody read in time. */
  get droppedPictures(): number {
    return this.#droppedPictures;
  }

  /** Sound blocks that nobody read in time. */
  get droppedSounds(): number {
    return this.#droppedSounds;
  }

  push(frame: Frame): void {
    if (this.#end) return;
    if (this.#waiter) {
      const { resolve } = this.#waiter;
      this.#waiter = null;
      resolve(frame);
      return;
    }
    this.#frames.push(frame);
    this.#bytes += frame.data.length;
    while (this.#frames.length > this.#limits.frames || this.#bytes > this.#limits.bytes) {
      const lost = this.#frames.shift();
      if (!lost) break;
      this.#bytes -= lost.data.length;
      if (lost.kind === 'video') this.#droppedPictures++;
      else this.#droppedSounds++;
    }
  }

  /** No more frames: the reader gets what is queued, then this error. The first reason stays. */
  end(reason: NvrError): void {
    if (this.#end) return;
    this.#end = reason;
    this.#waiter?.reject(reason);
    this.#waiter = null;
  }

  /** What `CameraSession.frames` returns: waits for frames and ends by throwing the reason. */
  async *read(): AsyncGenerator<Frame, never> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) {
        this.#bytes -= frame.data.length;
        yield frame;
        continue;
      }
      if (this.#end) throw this.#end;
      yield await new Promise<Frame>((resolve, reject) => {
        this.#waiter = { resolve, reject };
      });
    }
  }
}
