// The list of drivers that Perch ships with. Order is the order in the "add camera" page.

import { createDahuaDriver } from './dahua-p2p/index.ts';
import { createHttpMjpegDriver } from './http-mjpeg/index.ts';
import { createHttpSnapshotDriver } from './http-snapshot/index.ts';
import { createIwfcamDriver } from './iwfcam/index.ts';
import { DriverRegistry } from './registry.ts';
import { createRtspDriver } from './rtsp/index.ts';

/** See PERCH_DAHUA_SERVER and PERCH_DAHUA_EXPOSE. */
export type DriversOptions = {
  readonly dahuaServer?: string | null;
  readonly dahuaExpose?: { readonly address: string; readonly port: number | null } | null;
};

/** A registry with every driver. */
export function createDrivers(options: DriversOptions = {}): DriverRegistry {
  return new DriverRegistry([
    createIwfcamDriver(),
    createDahuaDriver({ server: options.dahuaServer ?? null, expose: options.dahuaExpose ?? null }),
    createRtspDriver(),
    createHttpMjpegDriver(),
    createHttpSnapshotDriver(),
  ]);
}
