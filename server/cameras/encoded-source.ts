// The second hub of a camera: H.264 for those who need it. Runs an Encoder while leases are held, for JPEG cameras only.

import type { RecordingSettings } from '../core/camera-config.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { Encoder } from './encoder.ts';
import type { OnFallBack } from './encoder-choice.ts';
import { FrameHub, type HubItem, type HubReader } from './frame-hub.ts';

/** The encoder is kept this long after its last user: a reload of a page must not restart it. */
export const LINGER_MS = 10_000;
const SECOND_MS = 1000;

/** Counts leases on one camera's encoded frames; see {@link EncodedSource.acquire}. */
export class EncodedSource {
  readonly #source: FrameHub;
  readonly #settings: () => RecordingSettings;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** One hub for the life of the camera: its readers stay when the encoder restarts or the camera changes its codec. */
  readonly #hub: FrameHub;
  readonly #onFallBack: OnFallBack;
  #leases = 0;
  /** Of the next encoder: for whom it is started. */
  #preRollMs = 0;
  #linger: Timer | null = null;
  #encoder: Encoder | null = null;
  #encoderKey = '';
  #encoderOut: HubReader | null = null;
  #copier: HubReader | null = null;
  #stopping: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param onFallBack told when libx264 stands in for the encoder of the settings */
  constructor(
    source: FrameHub,
    settings: () => RecordingSettings,
    clock: Clock,
    log: Logger,
    onFallBack: OnFallBack = () => {},
  ) {
    this.#onFallBack = onFallBack;
    this.#source = source;
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#hub = new FrameHub(settings().preRollSeconds * SECOND_MS);
  }

  /** Viewers that read encoded frames. */
  get viewers(): number {
    return this.#hub.viewers;
  }

  /**
   * A share in the encoded hub; the work starts with the first and lingers after the last.
   * @param preRollMs of the past that this user needs. Encoding it takes time, which a viewer should not wait for: only
   *   when the encoder is started for somebody who needs it is it begun in the past. What is copied always has its past.
   */
  acquire(preRollMs = 0): Disposable & { readonly hub: FrameHub } {
    this.#leases++;
    this.#linger?.cancel();
    this.#start(preRollMs);
    let held = true;
    return {
      hub: this.#hub,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--this.#leases === 0 && !this.#stopped) {
          this.#linger = this.#clock.after(LINGER_MS, () => {
            this.#halt();
            this.#hub.clear();
          });
        }
      },
    };
  }

  /** Restarts the encoder when its settings have changed. */
  settingsChanged(): void {
    this.#hub.setSpan(this.#settings().preRollSeconds * SECOND_MS);
    if (!this.#encoder || this.#encoderKey === this.#key()) return;
    this.#halt();
    this.#start(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#linger?.cancel();
    this.#halt();
    await this.#stopping;
  }

  /** Watches the camera's own frames: JPEG goes through the encoder, anything else is passed on as it is. */
  #start(preRollMs: number): void {
    if (this.#copier || this.#stopped) return;
    this.#preRollMs = preRollMs;
    const sinceMonoMs = this.#clock.monoMs() - this.#settings().preRollSeconds * SECOND_MS;
    // Of a camera that is slower than that, a viewer gets the newest picture at least.
    const isSlow = (this.#source.newestVideo?.frame.monoMs ?? 0) < sinceMonoMs;
    const reader = this.#source.open({
      kinds: 'all',
      policy: 'every',
      start: isSlow ? 'newestKey' : { sinceMonoMs },
      onFrame: () => this.#pump(reader),
    });
    this.#copier = reader;
    this.#pump(reader);
  }

  #pump(reader: HubReader): void {
    for (let item = reader.poll(); item; item = reader.poll()) this.#route(item);
  }

  #route({ frame }: HubItem): void {
    if (frame.kind === 'video' && frame.codec === 'mjpeg') {
      if (!this.#encoder) this.#startEncoder();
      return; // the Encoder reads the hub by itself and brings the sound along
    }
    if (frame.kind === 'video' && this.#encoder) this.#haltEncoder();
    if (!this.#encoder) this.#hub.publish(frame);
  }

  #startEncoder(): void {
    this.#encoderKey = this.#key();
    const encoder = new Encoder({
      source: this.#source,
      settings: this.#settings().encoder,
      segmentSeconds: this.#settings().segmentSeconds,
      preRollMs: this.#preRollMs,
      clock: this.#clock,
      log: this.#log.child({ part: 'encoder' }),
      onFallBack: this.#onFallBack,
    });
    this.#encoder = encoder;
    this.#preRollMs = 0;
    const out = encoder.hub.open({ kinds: 'all', policy: 'every', start: 'live', onFrame: () => this.#copy(out) });
    this.#encoderOut = out;
    void this.#stopping.then(() => {
      if (this.#encoder === encoder) encoder.start();
    });
  }

  #haltEncoder(): void {
    const encoder = this.#encoder;
    this.#encoder = null;
    this.#encoderOut?.[Symbol.dispose]();
    this.#encoderOut = null;
    if (encoder) this.#stopping = this.#stopping.then(() => encoder.stop());
  }

  #copy(out: HubReader): void {
    for (let item = out.poll(); item; item = out.poll()) this.#hub.publish(item.frame);
  }

  #halt(): void {
    this.#copier?.[Symbol.dispose]();
    this.#copier = null;
    this.#haltEncoder();
  }

  #key(): string {
    const { encoder, segmentSeconds } = this.#settings();
    return JSON.stringify({ encoder, segmentSeconds });
  }
}
