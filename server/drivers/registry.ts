// The list of drivers. Order is the order in the "add camera" page.

import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from './driver.ts';
import { createIwfcamDriver } from './iwfcam/index.ts';

/** All drivers of one process, by id. */
export class DriverRegistry {
  readonly #drivers: ReadonlyMap<string, CameraDriver>;

  constructor(drivers: readonly CameraDriver[]) {
    this.#drivers = new Map(drivers.map((driver) => [driver.id, driver]));
  }

  all(): CameraDriver[] {
    return [...this.#drivers.values()];
  }

  /** @throws NvrError `bad_input` naming the known drivers */
  get(id: string): CameraDriver {
    const driver = this.#drivers.get(id);
    if (driver) return driver;
    throw new NvrError('bad_input', `driver: there is no driver "${id}"; known: ${[...this.#drivers.keys()].join(', ')}`);
  }
}

/** The drivers Perch ships with. */
export function createDrivers(): DriverRegistry {
  return new DriverRegistry([createIwfcamDriver()]);
}
