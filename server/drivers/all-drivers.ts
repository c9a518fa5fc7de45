// The list of drivers that Perch ships with. Order is the order in the "add camera" page.

import { createHttpMjpegDriver } from './http-mjpeg/index.ts';
import { createHttpSnapshotDriver } from './http-snapshot/index.ts';
import { createIwfcamDriver } from './iwfcam/index.ts';
import { DriverRegistry } from './registry.ts';
import { createRtspDriver } from './rtsp/index.ts';

/** A registry with every driver. */
export function createDrivers(): DriverRegistry {
  return new DriverRegistry([
    createIwfcamDriver(),
    createRtspDriver(),
    createHttpMjpegDriver(),
    createHttpSnapshotDriver(),
  ]);
}
