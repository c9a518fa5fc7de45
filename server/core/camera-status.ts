// What the world may know of a camera's connection: the status object of the public interface, times as epoch milliseconds.

import type { VideoCodec } from './frame.ts';
import type { ErrorCode } from './nvr-error.ts';

/** The states of the Supervisor. `coolingDown` is on purpose silent; `refused` waits for a change of settings. */
export type CameraState = 'disabled' | 'connecting' | 'live' | 'coolingDown' | 'backingOff' | 'refused';

/** Why a camera is cooling down. */
export type CoolDownReason = 'stalePort' | 'released';

/** A camera's second source by itself. It is `idle` while nobody looks. */
export type SubStatus = {
  readonly state: 'idle' | Exclude<CameraState, 'disabled'>;
  readonly since: number;
  readonly nextAttemptAt: number | null;
  readonly codec: VideoCodec | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number;
  readonly bitRate: number;
  readonly lastFrameAt: number | null;
  readonly framesReceived: number;
  readonly framesDropped: number;
  readonly bytesReceived: number;
  readonly reconnects: number;
  /** Those who look at the small pictures. */
  readonly viewers: number;
  /** They see this source; else the main one stands in. */
  readonly shown: boolean;
  readonly error: CameraStatus['error'];
};

/** A snapshot of one camera; HTTP turns the times into ISO 8601. */
export type CameraStatus = {
  readonly state: CameraState;
  readonly since: number;
  readonly nextAttemptAt: number | null;
  /** Present while cooling down. */
  readonly coolDownReason: CoolDownReason | null;
  /** While connecting: what is waited for, in a few words. */
  readonly step: string | null;
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
  /** Why libx264 stands in for the encoder of the settings. */
  readonly encoderNote: string | null;
  readonly audio: boolean;
  /** The second source; `null` when the camera has none. */
  readonly sub: SubStatus | null;
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly at: number } | null;
};
