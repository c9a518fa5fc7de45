// A camera's sound as AAC (for MP4) or as something that is decoded here (for WAV), whatever it sends: passed on where it
// is that already, else through its one ffmpeg, which runs while somebody listens and a moment longer.

import { FrameHub } from '../cameras/frame-hub.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { AudioFrame, Frame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { retryDelayMs } from '../core/retry.ts';
import { isCopiedAudio } from '../media/fmp4.ts';
import { isDecodable } from '../media/sound-decoder.ts';
import type { LiveCamera } from './live-camera.ts';
import { isHearable } from './sound.ts';
import { decodedFormat, encodedFormat, type SoundFormat, SoundRun } from './sound-run.ts';

/** The ffmpeg is kept this long after its last listener: a reload of a page must not restart it. */
export const SOUND_LINGER_MS = 10_000;
/** Sound of the past that is kept, for viewers that begin there. */
const SPAN_MS = 10_000;
const RETRY = { minMs: 1000, maxMs: 60_000 };
/** Sound that was not heard for so long has stopped. */
const LOST_MS = 5000;
/** Who asked for sound that its ffmpeg does not give is to come again after this. */
const RETRY_AFTER_MS = 5000;

/** `aac`: for MP4. `pcm`: what `decodeSound` knows. */
export type SoundKind = 'aac' | 'pcm';
/** A share in a camera's sound. Dispose it. */
export type SoundLease = Disposable & { readonly hub: FrameHub; readonly view: SoundView };

/** One camera's sound in one form. */
export class SoundView {
  readonly hub = new FrameHub(SPAN_MS);
  readonly #source: FrameHub;
  readonly #kind: SoundKind;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onEnd: () => void;
  readonly #abort = new AbortController();
  readonly #failureListeners = new Set<() => void>();
  #run: SoundRun | null = null;
  #failures = 0;
  #cause: NvrError | null = null;
  #users = 0;
  #linger: Timer | null = null;

  /** @param onEnd called when nobody listens any more: a new view is made for the next one */
  constructor(source: FrameHub, kind: SoundKind, clock: Clock, log: Logger, onEnd: () => void) {
    this.#source = source;
    this.#kind = kind;
    this.#clock = clock;
    this.#log = log;
    this.#onEnd = onEnd;
    void this.#follow();
  }

  /** Whether the sound is given out as it comes, as far as is known. */
  get isCopied(): boolean {
    const newest = this.#source.newestAudio?.frame;
    return !newest || passes(this.#kind, newest);
  }

  /** What is given out, before the first block, too; `null` while the camera is silent or its sound cannot be turned. */
  get format(): SoundFormat | null {
    const newest = this.#source.newestAudio?.frame;
    const pictureMs = this.#source.newestVideo?.frame.monoMs ?? Number.NEGATIVE_INFINITY;
    if (!newest || pictureMs - newest.monoMs > LOST_MS || !isHearable(newest)) return null;
    if (passes(this.#kind, newest)) return newest;
    if (this.#failures > 0) return null;
    return this.#kind === 'aac' ? encodedFormat(newest) : decodedFormat(newest);
  }

  /** Why there is no sound: its ffmpeg ended without having given any. It is tried again; `null` while all is well. */
  get failure(): NvrError | null {
    if (this.#failures === 0 || this.isCopied) return null;
    const context = { reason: 'soundDecoder', retryAfterMs: RETRY_AFTER_MS };
    return new NvrError('unavailable', "The camera's sound cannot be turned into another form", {
      ...(this.#cause && { cause: this.#cause }),
      context,
    });
  }

  /** Calls `fn` whenever there is a {@link failure}. @returns stops that */
  onFailure(fn: () => void): () => void {
    this.#failureListeners.add(fn);
    return () => void this.#failureListeners.delete(fn);
  }

  acquire(): SoundLease {
    this.#users++;
    this.#linger?.cancel();
    this.#linger = null;
    let held = true;
    return {
      ...{ hub: this.hub, view: this },
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--this.#users > 0 || this.#abort.signal.aborted) return;
        if (this.#run) this.#linger = this.#clock.after(SOUND_LINGER_MS, () => this.end());
        else this.end();
      },
    };
  }

  /** Ends it now. */
  end(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#linger?.cancel();
    this.#halt();
    this.#onEnd();
  }

  /** Sound that needs no work is passed on in the moment in which it comes; the rest goes through an ffmpeg. */
  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    const start = { sinceMonoMs: this.#clock.monoMs() - SPAN_MS };
    const passing = this.#source.open({ kinds: 'audio', policy: 'every', start, onFrame: () => pass() });
    const pass = () => {
      for (let item = passing.poll(); item; item = passing.poll()) {
        if (item.frame.kind === 'audio' && passes(this.#kind, item.frame)) this.hub.publish(item.frame);
      }
    };
    pass();
    const reader = this.#source.open({ kinds: 'all', policy: 'every', start: 'newestKey' });
    const close = () => {
      passing[Symbol.dispose]();
      reader[Symbol.dispose]();
    };
    signal.addEventListener('abort', close, { once: true });
    for await (const { frame } of reader.items(signal)) await this.#take(frame, signal);
  }

  async #take(frame: Frame, signal: AbortSignal): Promise<void> {
    if (frame.kind === 'audio') {
      if (passes(this.#kind, frame) || !isHearable(frame)) this.#halt();
      else if (!this.#run?.takes(frame) || this.#run.exit) await this.#begin(frame, signal);
    }
    if (!signal.aborted) await this.#run?.write(frame);
  }

  /** A run for sound like this; after failures not at once. */
  async #begin(frame: AudioFrame, signal: AbortSignal): Promise<void> {
    const before = this.#run;
    if (before?.exit) {
      this.#cause = before.exit.error;
      if (before.blocks > 0) this.#failures = 0;
      else this.#failures++;
      if (this.#failures > 0) for (const listener of [...this.#failureListeners]) listener();
      this.#log.warn({ error: before.exit.error?.message }, 'ffmpeg for the sound ended; it will be started again');
      await this.#clock.sleep(retryDelayMs(RETRY, this.#failures, 1), signal).catch(() => {});
    }
    this.#halt();
    if (signal.aborted) return;
    const run = new SoundRun(frame, { log: this.#log }, (sound) => {
      if (this.#run !== run) return;
      this.#failures = 0;
      this.hub.publish(sound);
    });
    this.#run = run;
  }

  #halt(): void {
    const run = this.#run;
    this.#run = null;
    void run?.stop(0);
  }
}

/** Whether such sound is given out as it is. */
function passes(kind: SoundKind, { codec, codecConfig }: AudioFrame): boolean {
  return kind === 'aac' ? isCopiedAudio(codec, codecConfig) : isDecodable(codec);
}

/** The sound of all cameras that somebody listens to. */
export class SoundViews {
  readonly #views = new Map<LiveCamera, Map<SoundKind, SoundView>>();
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A camera's sound; dispose the lease. */
  acquire(camera: LiveCamera, kind: SoundKind): SoundLease {
    const ofCamera = this.#views.get(camera) ?? new Map<SoundKind, SoundView>();
    this.#views.set(camera, ofCamera);
    let view = ofCamera.get(kind);
    if (!view) {
      const log = this.#log.child({ camera: camera.slug, part: 'sound' });
      view = new SoundView(camera.hub, kind, this.#clock, log, () => {
        ofCamera.delete(kind);
        if (ofCamera.size === 0) this.#views.delete(camera);
      });
      ofCamera.set(kind, view);
    }
    return view.acquire();
  }

  /** Ends those of one camera (it was removed), or all. */
  end(cameraId?: string): void {
    for (const [camera, views] of [...this.#views]) {
      if (cameraId !== undefined && camera.id !== cameraId) continue;
      for (const view of [...views.values()]) view.end();
    }
  }
}
