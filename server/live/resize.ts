// Smaller pictures for viewers that ask for a width: one shrink per camera, width and frame, however many look.

import sharp from 'sharp';
import { FrameHub, type HubReader } from '../cameras/frame-hub.ts';
import type { VideoFrame } from '../core/frame.ts';

/** Widths a client may ask for. */
export const WIDTH_RANGE = { min: 16, max: 4096 } as const;
/** A camera's picture of more pixels (8K and a little) is not decoded: a small JPEG can claim a huge size. */
export const MAX_PIXELS = 36_000_000;
const DECODE_SECONDS = 5;
const QUALITY = 80;

sharp.cache(false); // every picture is decoded once; a cache would only hold memory
sharp.concurrency(1); // one core per picture; libuv's threads bound how many at once

const shrunk = new WeakMap<VideoFrame, Map<number, Promise<VideoFrame>>>();

/**
 * The picture at most `width` pixels wide, shared by all who ask. The very same frame when it is not wider; also when
 * it cannot be decoded: a viewer may be more forgiving than we are. Never rejects.
 */
export function shrink(frame: VideoFrame, width: number): Promise<VideoFrame> {
  const byWidth = shrunk.get(frame) ?? new Map<number, Promise<VideoFrame>>();
  const result = byWidth.get(width) ?? shrinkNow(frame, width);
  shrunk.set(frame, byWidth.set(width, result));
  return result;
}

/** Whether the frame is known to need no work for that width. */
export function fits(frame: VideoFrame, width: number): boolean {
  return frame.width > 0 && frame.width <= width;
}

async function shrinkNow(frame: VideoFrame, width: number): Promise<VideoFrame> {
  if (fits(frame, width)) return frame;
  try {
    const image = sharp(frame.data, { failOn: 'none', limitInputPixels: MAX_PIXELS }).timeout({
      seconds: DECODE_SECONDS,
    });
    if (frame.width === 0 && ((await image.metadata()).width ?? 0) <= width) return frame;
    const { data, info } = await image
      .resize({ width })
      .jpeg({ quality: QUALITY })
      .toBuffer({ resolveWithObject: true });
    return { ...frame, data, width: info.width, height: info.height };
  } catch {
    return frame;
  }
}

/** A hub of shrunk pictures beside a camera's hub. Newest wins: frames that come while one is shrunk are skipped. */
export class ResizedHub implements Disposable {
  readonly hub = new FrameHub();
  readonly #width: number;
  readonly #reader: HubReader;
  #working = false;

  constructor(source: FrameHub, width: number) {
    this.#width = width;
    this.#reader = source.open({ kinds: 'video', policy: 'newest', start: 'newest', onFrame: () => this.#next() });
    this.#next();
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }

  #next(): void {
    if (this.#working) return;
    const frame = this.#reader.poll()?.frame;
    if (frame?.kind !== 'video') return;
    if (frame.codec !== 'mjpeg' || fits(frame, this.#width)) {
      this.hub.publish(frame);
      return;
    }
    this.#working = true;
    void shrink(frame, this.#width).then((small) => {
      this.#working = false;
      if (this.#reader.closed) return;
      this.hub.publish(small);
      this.#next();
    });
  }
}
