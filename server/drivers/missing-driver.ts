// Stands in for the driver of a camera that another Perch has stored: the camera is kept and says why it does not work,
// instead of keeping the whole recorder from starting.

import Type from 'typebox';
import type { DriverId } from '../core/camera-config.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from './driver.ts';

/** A driver that refuses every dial. */
export function missingDriver(id: DriverId): CameraDriver {
  return {
    id,
    name: id,
    description: 'A driver that this version of Perch does not have.',
    settingsSchema: Type.Object({}),
    secrets: [],
    hostSettings: [],
    capabilities: { video: [], audio: [], discovery: false },
    open: async () => {
      throw new NvrError('bad_input', `driver: this version of Perch has no driver "${id}"`);
    },
  };
}
