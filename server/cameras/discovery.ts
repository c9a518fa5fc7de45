// Looks for cameras with every driver that can, at once, and says which are already added.

import type { DriverId, DriverSettings } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Net } from '../net/net.ts';
import type { Fleet } from './fleet.ts';

/** More answers than this are not a home network but an attack. */
export const MAX_FOUND = 256;
/** The whole search ends after this, whatever the drivers do. */
export const DISCOVERY_TIMEOUT_MS = 8000;

/** A camera that answered. The name is hostile text. */
export type Found = {
  readonly driver: DriverId;
  readonly name: string;
  readonly settings: DriverSettings;
  readonly alreadyAdded: boolean;
};

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

  async #search(): Promise<Found[]> {
    const { fleet, clock, net, log, targets } = this.#options;
    const end = new AbortController();
    const timer = clock.after(DISCOVERY_TIMEOUT_MS, () => end.abort());
    try {
      const found = await Promise.all(
        fleet.drivers().map(async (driver) => {
          const list: Found[] = [];
          try {
            const search = driver.discover?.({ clock, net, log, signal: end.signal, targets });
            for await (const camera of search ?? []) {
              list.push({ ...camera, alreadyAdded: this.#isAdded(camera.driver, camera.settings) });
              if (list.length >= MAX_FOUND || end.signal.aborted) break;
            }
          } catch (error) {
            if (!end.signal.aborted) log.warn({ err: error, driver: driver.id }, 'Discovery failed');
          }
          return list;
        }),
      );
      return found.flat();
    } finally {
      timer.cancel();
      end.abort();
    }
  }

  /** The same driver and the same identity: the UID when both have one, else host and port. */
  #isAdded(driver: DriverId, settings: DriverSettings): boolean {
    return this.#options.fleet.all().some(({ config }) => {
      if (config.driver !== driver) return false;
      if (settings.uid !== undefined && config.settings.uid !== undefined) return settings.uid === config.settings.uid;
      return (
        settings.host !== undefined && settings.host === config.settings.host && settings.port === config.settings.port
      );
    });
  }
}
