// One MJPEG response: bytes to pictures until it ends, stalls or is left.

import type { Timer } from '../../core/clock.ts';
import type { Frame } from '../../core/frame.ts';
import { NvrError, toNvrError } from '../../core/nvr-error.ts';
import { Tally } from '../../core/tally.ts';
import { jpegSize } from '../../media/jpeg.ts';
import { MultipartReader } from '../../media/multipart.ts';
import type { HttpReply } from '../../net/http-client.ts';
import type { CameraSession, DriverContext, SessionCounters } from '../driver.ts';
import { FrameQueue } from '../frame-queue.ts';
import { shownType } from '../http-settings.ts';

/** Below the Supervisor's watchdog, so that the error says more. */
const SILENCE_MS = 8000;
const NO_PICTURE_MS = 9000;
const CHECK_MS = 1000;
const QUEUE_LIMITS = { frames: 32, bytes: 32 * 1024 * 1024 };

/** A running stream. Lives until it fails or is disposed. */
export class MjpegSession implements CameraSession {
  readonly facts: Record<string, string | number | boolean>;
  readonly #context: DriverContext;
  readonly #reply: HttpReply;
  readonly #minDistanceMs: number;
  readonly #queue = new FrameQueue(QUEUE_LIMITS);
  readonly #tally = new Tally<'damaged' | 'skipped' | 'pictures'>();
  readonly #reader: MultipartReader;
  #timer: Timer | null = null;
  #bytes = 0;
  #bytesMs: number;
  #pictureMs: number;
  #givenMs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | null = null;
  readonly #onAbort = () => void this.#close(new NvrError('cancelled', 'The session was closed'));

  /** @param minDistanceMs pictures that come sooner after the one before are left out */
  constructor(reply: HttpReply, minDistanceMs: number, context: DriverContext) {
    this.#reply = reply;
    this.#context = context;
    this.#minDistanceMs = minDistanceMs;
    this.#bytesMs = this.#pictureMs = context.clock.monoMs();
    this.facts = { peer: reply.peer, contentType: shownType(reply) };
    this.#reader = new MultipartReader({
      picture: (data) => this.#onPicture(data),
      damaged: () => this.#tally.add('damaged'),
    });
    context.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#watch();
    reply.onBody({
      bytes: (bytes) => this.#onBytes(bytes),
      end: (error) => void this.#close(error ?? this.#ended()),
    });
    if (context.signal.aborted) this.#onAbort();
  }

  frames(): AsyncIterable<Frame> {
    return this.#queue.read();
  }

  counters(): SessionCounters {
    return {
      framesDropped: this.#tally.get('damaged') + this.#queue.droppedPictures,
      details: { bytes: this.#bytes, picturesNotRead: this.#queue.droppedPictures, ...this.#tally.toJSON() },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(new NvrError('cancelled', 'The session was closed'));
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#closing) return;
    this.#bytes += bytes.length;
    this.#bytesMs = this.#context.clock.monoMs();
    try {
      this.#reader.push(bytes);
    } catch (error) {
      void this.#close(toNvrError(error));
    }
  }

  #onPicture(data: Uint8Array): void {
    const { at, monoMs } = this.#context.time();
    this.#pictureMs = monoMs;
    this.#tally.add('pictures');
    if (monoMs - this.#givenMs < this.#minDistanceMs) {
      this.#tally.add('skipped');
      return;
    }
    this.#givenMs = monoMs;
    const size = jpegSize(data) ?? { width: 0, height: 0 };
    this.#queue.push({ kind: 'video', codec: 'mjpeg', key: true, data, ...size, mediaMs: null, at, monoMs });
  }

  #watch(): void {
    this.#timer = this.#context.clock.after(CHECK_MS, () => {
      const nowMs = this.#context.clock.monoMs();
      const { peer } = this.#reply;
      if (nowMs - this.#bytesMs >= SILENCE_MS)
        this.#stalled(`${peer} stopped sending: nothing for ${SILENCE_MS / 1000} s`);
      else if (nowMs - this.#pictureMs >= NO_PICTURE_MS) {
        const why = this.#tally.get('damaged') > 0 ? 'they arrive damaged' : 'it sends something else';
        this.#stalled(`No picture from ${peer} for ${NO_PICTURE_MS / 1000} s: ${why}`);
      } else this.#watch();
    });
  }

  #stalled(message: string): void {
    void this.#close(new NvrError('timeout', message, { context: { peer: this.#reply.peer, reason: 'stalled' } }));
  }

  /** The camera ended the response in order. */
  #ended(): NvrError {
    const { peer } = this.#reply;
    const pictures = this.#tally.get('pictures');
    if (pictures === 0) {
      return new NvrError('protocol', `${peer} sends no pictures at this address`, {
        context: { peer, reason: 'noVideo' },
      });
    }
    if (pictures > 1) return new NvrError('unavailable', `${peer} ended the stream`, { context: { peer } });
    const message = `${peer} gives a single picture at this address; add it as a snapshot camera`;
    return new NvrError('protocol', message, { context: { peer, reason: 'singlePicture' } });
  }

  #close(reason: NvrError): Promise<void> {
    this.#closing ??= this.#leave(reason);
    return this.#closing;
  }

  async #leave(reason: NvrError): Promise<void> {
    this.#timer?.cancel();
    this.#context.signal.removeEventListener('abort', this.#onAbort);
    this.#queue.end(reason);
    await this.#reply.close();
    this.#context.log.debug({ reason: reason.code, ...this.counters().details }, 'MJPEG session ended');
  }
}
