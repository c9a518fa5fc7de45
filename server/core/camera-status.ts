// What the world may know of a camera's connection: the status object of the public interface, times as epoch milliseconds.

import type { VideoCodec } from './frame.ts';
import type { ErrorCode } from './nvr-error.ts';

/** The states of the Supervisor. `coolingDown` is on purpose silent; `refused` waits for a change of settings. */
export type CameraState = 'disabled' | 'connecting' | 'live' | 'coolingDown' | 'backingOff' | 'refused';

/** Why a camera is cooling down. */
export type CoolDownReason = 'stalePort' | 'released';

/** A snapshot of one camera; HTTP turns the times into ISO 8601. */
export type CameraStatus = {
  readonly state: CameraState;
  readonly since: number;
  readonly nextAttemptAt: number | null;
  /** Present while cooling down. */
  readonly coolDownReason: CoolDownReason | null;
  readonly codec: VideoCodec | null;
  readonly width: number | null;
  readonly height: number | null;
  /** Frames per second over the last seconds. */
  readonly frameRate: number;
  /** Bits per second over the last seconds. */
  readonly bitRate: number;
  readonly lastFrameAt: number | null;
  readonly framesReceived: number;
  readonly framesDropped: number;
  readonly bytesReceived: number;
  readonly reconnects: number;
  readonly viewers: number;
  readonly recording: boolean;
  readonly audio: boolean;
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly at: number } | null;
};
