// The drivers of one process by id. The list itself is all-drivers.ts.

import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from './driver.ts';

/** All drivers of one process, by id. */
export class DriverRegistry {
  readonly #drivers: ReadonlyMap<string, CameraDriver>;

  constructor(drivers: readonly CameraDriver[]) {
    this.#drivers = new Map(drivers.map((driver) => [driver.id, driver]));
  }

  all(): CameraDriver[] {
    return [...this.#drivers.values()];
  }

  find(id: string): CameraDriver | undefined {
    return this.#drivers.get(id);
  }

  /** @throws NvrError `bad_input` naming the known drivers */
  get(id: string): CameraDriver {
    const driver = this.#drivers.get(id);
    if (driver) return driver;
    throw new NvrError(
      'bad_input',
      `driver: there is no driver "${id}"; known: ${[...this.#drivers.keys()].join(', ')}`,
    );
  }
}
