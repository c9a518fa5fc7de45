// What a Recorder is made from, and what it shows.

import type { Camera } from '../cameras/camera.ts';
import type { Bus } from '../core/bus.ts';
import type { CameraConfig } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import type { SegmentIndex } from '../store/segment-index.ts';
import type { SegmentFiles } from './segment-files.ts';

/** The camera as a Recorder sees it. */
export type RecordedCamera = Pick<Camera, 'id' | 'slug' | 'hub' | 'log' | 'acquireEncoded'> & {
  readonly config: Pick<CameraConfig, 'folder' | 'recording'>;
  recordingActive: boolean;
};

/** What a Recorder works with. */
export type RecorderOptions = {
  readonly camera: RecordedCamera;
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random?: () => number;
  /** Whether the disk is full: an ffmpeg that crashed on a full disk did not say why. */
  readonly isFull?: () => Promise<boolean>;
  /** Asked before each file. @throws NvrError when nothing may be written */
  readonly assertWritable?: () => Promise<void>;
  /** Monotonic time of the last picture that an earlier run of this camera recorded: pre-roll must not record it again. */
  readonly afterMonoMs?: number;
};

/** The segment being written, up to what is surely in the file. */
export type OpenSegment = {
  readonly startAt: number;
  readonly endAt: number;
  readonly frames: number;
  readonly bytes: number;
  readonly format: 'mp4' | 'mjpeg';
  readonly codec: 'mjpeg' | 'h264' | 'h265';
  /** Relative to `recordings/`, with `.part`. */
  readonly path: string;
};

/** A segment that has no row yet. While it is being closed its file may get its final name at any moment. */
export type UnindexedSegment = OpenSegment & { readonly open: boolean };
