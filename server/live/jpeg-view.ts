// A camera as JPEGs, whatever it sends: its own pictures passed on untouched, or those of its one transcoder, which runs
// while somebody looks and a moment longer. Survives that the camera changes its codec.

import { FrameHub, type HubReader } from '../cameras/frame-hub.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { JpegTranscoder } from './jpeg-transcoder.ts';
import type { LiveCamera } from './live-camera.ts';

/** The transcoder is kept this long after its last viewer: a reload of a page must not restart it. */
export const LINGER_MS = 10_000;
/** A transcoder's first picture may take this long; until then a live camera is not called lost. */
const GRACE_MS = 1500;

/** A share in a camera's JPEGs. Dispose it. */
export type JpegLease = Disposable & { readonly hub: FrameHub };

/** One camera's JPEGs. */
export class JpegView {
  readonly hub = new FrameHub();
  readonly #source: FrameHub;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #reader: HubReader;
  readonly #onEnd: () => void;
  readonly #startedMs: number;
  #transcoder: JpegTranscoder | null = null;
  #users = 0;
  #linger: Timer | null = null;
  #ended = false;

  /** @param onEnd called when nobody looks any more: a new view is made for the next viewer */
  constructor(source: FrameHub, clock: Clock, log: Logger, onEnd: () => void) {
    this.#source = source;
    this.#clock = clock;
    this.#log = log;
    this.#onEnd = onEnd;
    this.#startedMs = clock.monoMs();
    const newest = source.newestVideo?.frame;
    if (newest?.codec === 'mjpeg') this.hub.publish(newest);
    else if (newest) this.#transcode();
    this.#reader = source.open({ kinds: 'video', policy: 'every', start: 'live', onFrame: () => this.#pump() });
  }

  /** Whether an ffmpeg may be running. */
  get transcodes(): boolean {
    return this.#transcoder !== null;
  }

  /** A live camera whose first picture is still on its way is not lost before this moment. */
  get graceUntilMs(): number {
    const waits = this.#transcoder !== null && this.hub.newestVideo === null;
    return waits ? this.#startedMs + GRACE_MS : Number.NEGATIVE_INFINITY;
  }

  acquire(): JpegLease {
    this.#users++;
    this.#linger?.cancel();
    this.#linger = null;
    let held = true;
    return {
      hub: this.hub,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--this.#users > 0 || this.#ended) return;
        if (this.#transcoder) this.#linger = this.#clock.after(LINGER_MS, () => this.end());
        else this.end();
      },
    };
  }

  /** Ends it now. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#linger?.cancel();
    this.#reader[Symbol.dispose]();
    this.#halt();
    this.#onEnd();
  }

  #pump(): void {
    for (let item = this.#reader.poll(); item; item = this.#reader.poll()) {
      const { frame } = item;
      if (frame.kind !== 'video') continue;
      if (frame.codec === 'mjpeg') {
        this.#halt();
        this.hub.publish(frame);
      } else if (!this.#transcoder) this.#transcode();
    }
  }

  #transcode(): void {
    this.#transcoder = new JpegTranscoder({
      ...{ source: this.#source, target: this.hub, clock: this.#clock },
      log: this.#log.child({ part: 'jpeg' }),
    });
  }

  #halt(): void {
    void this.#transcoder?.stop();
    this.#transcoder = null;
  }
}

/** The views of all cameras that somebody looks at. */
export class JpegViews {
  readonly #views = new Map<LiveCamera, JpegView>();
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The camera's view; made when there is none. Acquire it at once. */
  of(camera: LiveCamera): JpegView {
    const known = this.#views.get(camera);
    if (known) return known;
    const log = this.#log.child({ camera: camera.slug });
    const view = new JpegView(camera.hub, this.#clock, log, () => this.#views.delete(camera));
    this.#views.set(camera, view);
    return view;
  }

  /** The camera's view when somebody looks at it. */
  running(camera: LiveCamera): JpegView | null {
    return this.#views.get(camera) ?? null;
  }

  /** Ends those of one camera (it was removed), or all. */
  end(cameraId?: string): void {
    for (const [camera, view] of [...this.#views]) if (cameraId === undefined || camera.id === cameraId) view.end();
  }
}
