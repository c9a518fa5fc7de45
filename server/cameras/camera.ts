// One camera: identity, settings, hub and status. (Outline: the body is being written.)

import type { CameraConfig } from '../core/camera-config.ts';
import type { CameraStatus } from '../core/camera-status.ts';
import type { Logger } from '../core/logger.ts';
import type { FrameHub } from './frame-hub.ts';

/** A share in a camera's H.264 hub; the encoder runs while at least one is held. Dispose it. */
export type EncodedLease = Disposable & { readonly hub: FrameHub };

/** Identity, settings and status of one camera. Lives as long as the registry entry; `config` is replaced on change. */
export declare class Camera {
  readonly id: string;
  get config(): CameraConfig;
  get slug(): string;
  readonly log: Logger;
  /** Frames as the camera sends them (video and sound). Survives reconnects. */
  readonly hub: FrameHub;
  status(): CameraStatus;
  /** Facts of the running session for the statistics page; empty when none. Text in it is hostile. */
  facts(): Readonly<Record<string, string | number | boolean>>;
  /** The Recorder reports here; shown in `status.recording`. */
  recordingActive: boolean;
  /** H.264 (or H.265) frames plus the camera's sound: the camera's own hub when it is not JPEG, else its one encoder. */
  acquireEncoded(): EncodedLease;
}
