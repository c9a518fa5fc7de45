// Traffic of one camera as a file for bug reports: recorded for some seconds, secrets taken out, then handed over.

import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CameraConfig, DriverSettings } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { DriverRegistry } from '../drivers/registry.ts';
import { Capture, CaptureTap, tappedNet } from '../net/capture.ts';
import { encodeCaptureFile, redactCapture } from '../net/capture-file.ts';
import type { Net } from '../net/net.ts';
import { Redactor } from '../net/redactor.ts';
import type { Camera } from './camera.ts';
import { withDefaults } from './settings-check.ts';

/** Longest capture. */
export const MAX_CAPTURE_SECONDS = 60;
/** Length when nothing else is said. */
export const CAPTURE_SECONDS = 10;
/** Held in memory until it is handed over; the capture ends when it is reached. */
export const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;
/** At the same time, of different cameras; until they are handed over. */
export const MAX_CAPTURES = 2;
const SECOND_MS = 1000;

/** What captures need. */
export type CaptureOptions = {
  readonly drivers: DriverRegistry;
  readonly clock: Clock;
  readonly net: Net;
  /** The camera that has this id now. */
  readonly find: (id: string) => Camera | undefined;
};

/** A capture that is over. Dispose it when the chunks are read, or not wanted any more. */
export type CapturedFile = Disposable & { readonly chunks: AsyncIterable<Buffer> };

type Tapped = { readonly tap: CaptureTap; readonly camera: Camera };
type Source = { readonly driver: string; readonly settings: DriverSettings };

/** Taps of all cameras, and the captures on them. */
export class CameraCaptures {
  readonly #options: CaptureOptions;
  readonly #running = new Set<string>();
  #tapped: readonly Tapped[] = [];

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** Makes a camera whose network has a tap. */
  tap(make: (net: Net) => Camera): Camera {
    const { clock, net, find } = this.#options;
    const tap = new CaptureTap(clock);
    const camera = make(tappedNet(net, tap));
    // A camera that is gone may still have opened what others use.
    const isUsed = (each: Tapped) => find(each.camera.id) === each.camera || each.tap.openSockets > 0;
    this.#tapped = [...this.#tapped.filter(isUsed), { tap, camera }];
    return camera;
  }

  /**
   * Records what passes between Perch and the camera, and what the other cameras of the same device share with it. Resolves
   * after `seconds`, or when {@link MAX_CAPTURE_BYTES} are reached.
   * @throws NvrError `conflict` when this camera is being captured, `unavailable` when others are, `cancelled`
   */
  async record(camera: Camera, seconds: number, signal: AbortSignal): Promise<CapturedFile> {
    if (this.#running.has(camera.id))
      throw new NvrError('conflict', 'The traffic of this camera is being recorded already');
    if (this.#running.size >= MAX_CAPTURES)
      throw new NvrError('unavailable', 'The traffic of other cameras is being recorded; try again in a minute');
    this.#running.add(camera.id);
    const release = () => void this.#running.delete(camera.id);
    try {
      const chunks = await this.#record(camera, seconds, signal);
      return { chunks, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #record(camera: Camera, seconds: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const { clock, net, drivers } = this.#options;
    const shared = this.#tapped.filter((each) => each.camera === camera || this.#isSameDevice(each.camera, camera));
    // Settings may change meanwhile: the secrets of before and after are taken out.
    const secrets = this.#secrets(shared);
    const capture = new Capture(MAX_CAPTURE_BYTES);
    const stops = shared.map(({ tap }) => tap.attach(capture));
    const over = new AbortController();
    try {
      const time = clock.sleep(seconds * SECOND_MS, AbortSignal.any([signal, over.signal]));
      await Promise.race([time, capture.full]);
    } finally {
      over.abort();
      for (const stop of stops) stop();
    }
    signal.throwIfAborted();
    const redactor = new Redactor([...secrets, ...this.#secrets(shared)]);
    const breathe = () => setImmediate();
    for (const id of new Set(shared.flatMap((each) => sourcesOf(each.camera.config)).map(({ driver }) => driver))) {
      await redactCapture(capture.packets, { redactor, scrub: drivers.find(id)?.capture?.scrub, breathe });
    }
    const comment = `Recorded by Perch. Passwords and logins were overwritten with x. Pictures and sound of the camera are inside; what was inside TLS is not.${
      capture.isCutShort ? ' It ended when it became too large.' : ''
    }`;
    return encodeCaptureFile(capture.packets, { net, comment, breathe });
  }

  /** Cameras of one device may share its connection, whichever of them opened it. */
  #isSameDevice(a: Camera, b: Camera): boolean {
    const { drivers } = this.#options;
    return sourcesOf(a.config).some((one) =>
      sourcesOf(b.config).some((other) => {
        const driver = one.driver === other.driver && drivers.find(one.driver);
        if (!driver) return false;
        const [mine, theirs] = [withDefaults(driver, one.settings), withDefaults(driver, other.settings)];
        return driver.hostSettings.every((name) => isDeepStrictEqual(mine[name], theirs[name]));
      }),
    );
  }

  #secrets(shared: readonly Tapped[]): string[] {
    return shared
      .flatMap(({ camera }) => sourcesOf(camera.config))
      .flatMap(({ driver: id, settings }) => {
        const driver = this.#options.drivers.find(id);
        if (!driver) return [];
        const stored = driver.secrets.map((name) => settings[name]);
        return [...stored, ...(driver.capture?.secrets?.(settings) ?? [])];
      })
      .filter((secret) => typeof secret === 'string');
  }
}

function sourcesOf({ driver, settings, subSource }: CameraConfig): Source[] {
  return [{ driver, settings }, ...(subSource ? [subSource] : [])];
}
