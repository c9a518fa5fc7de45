// What the live path sees of a camera.

import type { Camera } from '../cameras/camera.ts';
import type { CameraStatus } from '../core/camera-status.ts';

/** A picture older than this is not shown as if it were live. */
export const NO_SIGNAL_MS = 10_000;

/** The part of a camera that its viewers need. */
export type LiveCamera = Pick<Camera, 'id' | 'slug' | 'config' | 'hub' | 'acquireEncoded'> & {
  status(): Pick<CameraStatus, 'state' | 'since' | 'nextAttemptAt' | 'coolDownReason' | 'error'>;
  /** Keeps a source connected that is there for its viewers only. Dispose it. */
  hold?(): Disposable;
};
