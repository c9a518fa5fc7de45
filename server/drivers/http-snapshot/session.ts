// Polls one address: a request, its picture, a rest, the next request. Never two at once.

import type { Frame } from '../../core/frame.ts';
import { NvrError, toNvrError } from '../../core/nvr-error.ts';
import { Tally } from '../../core/tally.ts';
import { jpegSize, startsLikeJpeg, trimJpeg } from '../../media/jpeg.ts';
import { MAX_JPEG_BYTES } from '../../media/multipart.ts';
import type { HttpReply } from '../../net/http-client.ts';
import type { CameraSession, DriverContext, SessionCounters } from '../driver.ts';
import { FrameQueue } from '../frame-queue.ts';
import { type HttpSettings, requestPictures, shownType } from '../http-settings.ts';
import { restMs } from './pace.ts';
import { DEFAULT_INTERVAL_MS } from './settings.ts';

/** Longest wait for a whole picture. */
const BODY_TIMEOUT_MS = 8000;
/** Broken pictures in a row before the session is given up. */
const MAX_BROKEN = 3;
/** A picture that the camera calls unchanged is given again after this: it is the truth, and viewers see that all is well. */
const REPEAT_MS = 4000;
const QUEUE_LIMITS = { frames: 8, bytes: 32 * 1024 * 1024 };

/** A polled camera. Made by `open`, which has the first picture by then. */
export class SnapshotSession implements CameraSession {
  readonly facts: Record<string, string | number | boolean> = {};
  readonly #settings: HttpSettings;
  readonly #context: DriverContext;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  readonly #queue = new FrameQueue(QUEUE_LIMITS);
  readonly #tally = new Tally<'requests' | 'pictures' | 'unchanged' | 'broken' | 'bytes'>();
  #running: Promise<void> | null = null;
  #validators: Record<string, string> = {};
  #last: { readonly data: Uint8Array; readonly width: number; readonly height: number } | null = null;
  #givenMs = Number.NEGATIVE_INFINITY;
  #broken = 0;

  constructor(settings: HttpSettings, context: DriverContext) {
    this.#settings = settings;
    this.#context = context;
    this.#signal = AbortSignal.any([context.signal, this.#end.signal]);
  }

  /** Takes the first picture, then polls by itself. @throws NvrError why there is none */
  async start(): Promise<void> {
    const { clock } = this.#context;
    const beganMs = clock.monoMs();
    await this.#poll();
    this.#running = this.#loop(clock.monoMs() - beganMs);
  }

  frames(): AsyncIterable<Frame> {
    return this.#queue.read();
  }

  counters(): SessionCounters {
    return {
      framesDropped: this.#tally.get('broken') + this.#queue.droppedPictures,
      details: { picturesNotRead: this.#queue.droppedPictures, ...this.#tally.toJSON() },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    this.#queue.end(new NvrError('cancelled', 'The session was closed'));
    await this.#running;
  }

  async #loop(firstTookMs: number): Promise<void> {
    const { clock, log } = this.#context;
    const intervalMs = this.#settings.intervalMs ?? DEFAULT_INTERVAL_MS;
    let tookMs = firstTookMs;
    try {
      for (;;) {
        await clock.sleep(restMs(intervalMs, tookMs), this.#signal);
        const beganMs = clock.monoMs();
        await this.#poll();
        tookMs = clock.monoMs() - beganMs;
      }
    } catch (error) {
      const reason = this.#signal.aborted ? new NvrError('cancelled', 'The session was closed') : toNvrError(error);
      this.#queue.end(reason);
      log.debug({ reason: reason.code, ...this.counters().details }, 'Snapshot session ended');
    }
  }

  async #poll(): Promise<void> {
    const world = { net: this.#context.net, clock: this.#context.clock, signal: this.#signal };
    this.#tally.add('requests');
    await using reply = await requestPictures(this.#settings, world, this.#validators);
    this.facts.peer = reply.peer;
    if (reply.status === 304) this.#onUnchanged();
    else this.#onBody(reply, await this.#body(reply));
  }

  async #body(reply: HttpReply): Promise<Uint8Array> {
    const { peer } = reply;
    const type = shownType(reply);
    if (type.startsWith('multipart/')) {
      const message = `${peer} gives a stream at this address, not single pictures; add it as an MJPEG camera`;
      throw new NvrError('protocol', message, { context: { peer, reason: 'stream' } });
    }
    const done = Promise.withResolvers<void>();
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const timer = this.#context.clock.after(BODY_TIMEOUT_MS, () => {
      const message = `${peer} did not send a whole picture within ${BODY_TIMEOUT_MS / 1000} s`;
      done.reject(new NvrError('timeout', message, { context: { peer, reason: 'stalled' } }));
    });
    reply.onBody({
      bytes: (chunk) => {
        bytes += chunk.length;
        if (bytes <= MAX_JPEG_BYTES) chunks.push(chunk.slice());
        else done.reject(new NvrError('protocol', `${peer} sent a picture of more than ${MAX_JPEG_BYTES >> 20} MB`));
      },
      end: (error) => (error ? done.reject(error) : done.resolve()),
    });
    try {
      await done.promise;
    } finally {
      timer.cancel();
    }
    this.#tally.add('bytes', bytes);
    return new Uint8Array(Buffer.concat(chunks));
  }

  #onBody(reply: HttpReply, body: Uint8Array): void {
    const data = trimJpeg(body);
    if (!data) {
      this.#onBroken(reply, body);
      return;
    }
    this.#broken = 0;
    const etag = reply.headers.get('etag');
    const modified = reply.headers.get('last-modified');
    this.#validators = {
      ...(isHeaderValue(etag) && { 'If-None-Match': etag }),
      ...(isHeaderValue(modified) && { 'If-Modified-Since': modified }),
    };
    this.#last = { data, ...(jpegSize(data) ?? { width: 0, height: 0 }) };
    this.#give();
  }

  /** A picture without an end may be a hiccup; something that is no picture is a wrong address. */
  #onBroken(reply: HttpReply, body: Uint8Array): void {
    this.#tally.add('broken');
    const { peer } = reply;
    const isPicture = startsLikeJpeg(body);
    if (isPicture && this.#last && ++this.#broken < MAX_BROKEN) return;
    const what = isPicture ? 'broken pictures' : `${shownType(reply) || 'something'} instead of a JPEG picture`;
    throw new NvrError('protocol', `${peer} sends ${what} at this address`, { context: { peer, reason: 'noVideo' } });
  }

  #onUnchanged(): void {
    this.#tally.add('unchanged');
    if (this.#context.clock.monoMs() - this.#givenMs >= REPEAT_MS) this.#give();
  }

  #give(): void {
    if (!this.#last) return;
    const { at, monoMs } = this.#context.time();
    this.#givenMs = monoMs;
    this.#tally.add('pictures');
    this.#queue.push({ kind: 'video', codec: 'mjpeg', key: true, ...this.#last, mediaMs: null, at, monoMs });
  }
}

/** What may be sent back: a camera's header value goes into our request. */
function isHeaderValue(value: string | undefined): value is string {
  return value !== undefined && /^[ -~]{1,256}$/.test(value);
}
