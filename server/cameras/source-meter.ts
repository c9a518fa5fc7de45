// What arrived from one source, for its status: the newest picture, totals, and rates over the last seconds.

import type { CameraStatus } from '../core/camera-status.ts';
import type { Frame, VideoFrame } from '../core/frame.ts';
import { RateMeter } from './rate-meter.ts';

/** The part of a status that is counted from frames. */
export type SourceFigures = Pick<
  CameraStatus,
  | 'codec'
  | 'width'
  | 'height'
  | 'frameRate'
  | 'bitRate'
  | 'lastFrameAt'
  | 'framesReceived'
  | 'bytesReceived'
  | 'reconnects'
>;

/** Counts the frames of one source over all its sessions. */
export class SourceMeter {
  readonly #rate = new RateMeter();
  #newest: VideoFrame | null = null;
  #frames = 0;
  #bytes = 0;
  #timesLive = 0;

  add(frame: Frame): void {
    this.#bytes += frame.data.byteLength;
    this.#rate.add(frame.monoMs, frame.data.byteLength, frame.kind === 'video' ? 1 : 0);
    if (frame.kind !== 'video') return;
    this.#frames++;
    this.#newest = frame;
  }

  /** A session delivers. */
  wentLive(): void {
    this.#timesLive++;
  }

  /** The session is over: its rates say nothing any more. */
  rest(): void {
    this.#rate.reset();
  }

  read(nowMs: number): SourceFigures {
    return {
      codec: this.#newest?.codec ?? null,
      width: this.#newest?.width || null,
      height: this.#newest?.height || null,
      ...this.#rate.read(nowMs),
      lastFrameAt: this.#newest?.at ?? null,
      framesReceived: this.#frames,
      bytesReceived: this.#bytes,
      reconnects: Math.max(0, this.#timesLive - 1),
    };
  }
}
