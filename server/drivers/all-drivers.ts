// The list of drivers that Perch ships with. Order is the order in the "add camera" page.

import { createDahuaDriver } from './dahua-p2p/index.ts';
import { createHttpMjpegDriver } from './http-mjpeg/index.ts';
import { createHttpSnapshotDriver } from './http-snapshot/index.ts';
import { createIwfcamDriver } from './iwfcam/index.ts';
import { DriverRegistry } from './registry.ts';
import { createRtspDriver } from './rtsp/index.ts';

/** A registry with every driver. `dahuaServer`: see PERCH_DAHUA_SERVER. */
export function createDrivers(options: { readonly dahuaServer?: string | null } = {}): DriverRegistry {
  return new DriverRegistry([
    createIwfcamDriver(),
    createDahuaDriver({ server: options.dahuaServer ?? null }),
    createRtspDriver(),
    createHttpMjpegDriver(),
    createHttpSnapshotDriver(),
  ]);
}
