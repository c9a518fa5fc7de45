// Looks for cameras with every driver that can, at once, and says which are already added; asks an ONVIF device that was
// found for its streams.

import type { DriverId, DriverSettings } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { type ErrorCode, NvrError, toNvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { askDevice, type DeviceOffer } from '../drivers/onvif/ask.ts';
import { readCredentials } from '../drivers/source-settings.ts';
import type { Net } from '../net/net.ts';
import type { Fleet } from './fleet.ts';
import { withDefaults } from './settings-check.ts';

/** More answers than this are not a home network but an attack. */
export const MAX_FOUND = 256;
/** The whole search ends after this, whatever the drivers do. */
export const DISCOVERY_TIMEOUT_MS = 8000;
/** ONVIF devices asked at the same time; more are refused. */
export const MAX_ASKED = 4;
/** A driver that goes on after its end is no longer waited for. */
const GONE_AFTER_MS = 1000;

/** A camera that answered. The name is hostile text. */
export type Found = {
  readonly driver: DriverId;
  readonly name: string;
  readonly settings: DriverSettings;
  /** Address of its ONVIF device service: ask it for its {@link Discovery.streams}. */
  readonly onvif?: string;
  readonly alreadyAdded: boolean;
};

/** What an ONVIF device is asked with. Nothing of it is kept. */
export type OnvifInput = { readonly url: string; readonly username?: string; readonly password?: string };

/** What it offers, or what it does wrong. */
export type OnvifResult =
  | { readonly ok: true; readonly device: DeviceOffer }
  | { readonly ok: false; readonly error: { readonly code: ErrorCode; readonly message: string } };

/** What Discovery needs. */
export type DiscoveryOptions = {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  /** `PERCH_DISCOVERY_TARGETS`; empty: broadcast. */
  readonly targets: readonly string[];
};

/** Runs all drivers' discovery; several callers at the same moment share one run. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  #running: Promise<Found[]> | null = null;
  #asked = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** All that answered within the time, in order of driver. Never throws for a driver's sake. */
  run(): Promise<Found[]> {
    this.#running ??= this.#search().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /**
   * Asks an ONVIF device for its streams.
   * @param signal the caller went away
   * @throws NvrError `bad_input` naming the field, `unavailable` when too many are asked; what the device does wrong is in
   *   the result
   */
  async streams({ url, ...credentials }: OnvifInput, signal: AbortSignal): Promise<OnvifResult> {
    const { net, clock, log } = this.#options;
    const question = { url, credentials: readCredentials(credentials) };
    if (this.#asked >= MAX_ASKED)
      throw new NvrError('unavailable', 'Other devices are being asked; try again in a moment');
    this.#asked++;
    try {
      return { ok: true, device: await askDevice(question, { net, clock, signal }) };
    } catch (error) {
      const { code, message } = toNvrError(error);
      if (code === 'bad_input') throw error;
      if (code !== 'internal') return { ok: false, error: { code, message } };
      log.error({ err: error }, 'Asking an ONVIF device failed unexpectedly');
      return { ok: false, error: { code, message: 'Perch made a mistake; see the log' } };
    } finally {
      this.#asked--;
    }
  }

  async #search(): Promise<Found[]> {
    const { fleet, clock } = this.#options;
    const end = new AbortController();
    const timer = clock.after(DISCOVERY_TIMEOUT_MS, () => end.abort());
    const gone = Promise.withResolvers<void>();
    const patience = clock.after(DISCOVERY_TIMEOUT_MS + GONE_AFTER_MS, gone.resolve);
    const searches = fleet.drivers().map((driver) => {
      const found: Found[] = [];
      return { found, done: this.#ask(driver, found, end.signal) };
    });
    try {
      await Promise.race([Promise.all(searches.map(({ done }) => done)), gone.promise]);
      return searches.flatMap(({ found }) => found);
    } finally {
      timer.cancel();
      patience.cancel();
      end.abort();
    }
  }

  /** One driver's search; what it finds is in `found` at once. Never throws. */
  async #ask(driver: CameraDriver, found: Found[], signal: AbortSignal): Promise<void> {
    const { clock, net, log, targets } = this.#options;
    try {
      const search = driver.discover?.({ clock, net, log, signal, targets });
      for await (const camera of search ?? []) {
        found.push({ ...camera, alreadyAdded: this.#isAdded(driver, camera.settings) });
        if (found.length >= MAX_FOUND || signal.aborted) break;
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, driver: driver.id }, 'Discovery failed');
    }
  }

  /**
   * The same driver and the same identity: the UID when both have one, else host and port. Of what has an address only the
   * host counts, whatever the driver: a device has streams of several kinds on several ports.
   */
  #isAdded(driver: CameraDriver, settings: DriverSettings): boolean {
    const wanted = withDefaults(driver, settings);
    const host = hostOf(wanted.url);
    if (host !== null) return this.#options.fleet.all().some(({ config }) => hostOf(config.settings.url) === host);
    return this.#options.fleet.all().some(({ config }) => {
      if (config.driver !== driver.id) return false;
      const known = withDefaults(driver, config.settings);
      if (wanted.uid !== undefined && known.uid !== undefined) return wanted.uid === known.uid;
      return wanted.host !== undefined && wanted.host === known.host && wanted.port === known.port;
    });
  }
}

/** The host of an address; `null` for anything else. */
function hostOf(url: unknown): string | null {
  const parsed = typeof url === 'string' ? URL.parse(url) : null;
  return parsed && parsed.hostname !== '' ? parsed.hostname : null;
}
