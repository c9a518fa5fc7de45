// Finds the camera of a request. A camera that the caller may not see does not exist for that caller.

import type { FastifyRequest } from 'fastify';
import { maySee } from '../auth/caller.ts';
import type { Camera } from '../cameras/camera.ts';
import type { Fleet } from '../cameras/fleet.ts';
import { NvrError } from '../core/nvr-error.ts';

/** @throws NvrError `not_found` when there is no such camera, or the caller may not see it */
export function cameraOf(request: Pick<FastifyRequest, 'caller'>, fleet: Pick<Fleet, 'find'>, ref: string): Camera {
  const camera = fleet.find(ref);
  if (!camera || !request.caller || !maySee(request.caller, camera.id)) {
    throw new NvrError('not_found', 'There is no such camera');
  }
  return camera;
}
