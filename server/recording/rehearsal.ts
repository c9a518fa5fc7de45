// "What would it cost?": records a camera for some seconds with settings that are not saved yet, into nowhere, and counts
// bytes and processor time. What is shown before saving is measured on this very camera, not taken from a table.

import type { Camera } from '../cameras/camera.ts';
import { Encoder } from '../cameras/encoder.ts';
import type { FrameHub, HubItem } from '../cameras/frame-hub.ts';
import type { RecordingSettings } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { processorSeconds } from '../ffmpeg/processor-time.ts';
import { segmentJob } from '../ffmpeg/segment-job.ts';
import { jpegSize } from '../media/jpeg.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { Schedule } from './schedule.ts';

/** How long is measured. */
export const REHEARSAL_MS = 10_000;
/** Longest wait for the first picture that can be recorded: a group of pictures, or an encoder that starts. */
const FIRST_PICTURE_MS = 20_000;
/** AAC of a small microphone; see ffmpeg/segment-job. */
const SOUND_BYTES_PER_SECOND = 4_000;
const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
const NOWHERE = '/dev/null';

/** What was measured, and what a day makes of it. */
export type RehearsalReport = {
  /** How long was measured, milliseconds. */
  readonly measuredMs: number;
  readonly frames: number;
  /** Bytes of an hour of recording. */
  readonly bytesPerHour: number;
  /** Hours of an average day on which mode and schedules record; of motion all, since nobody knows. */
  readonly hoursPerDay: number;
  readonly bytesPerDay: number;
  /** Of one core, by ffmpeg: 1 is a whole one. `null` where the system does not tell. */
  readonly processorShare: number | null;
  /** Whether pictures are encoded, which is what takes the processor. */
  readonly encodes: boolean;
};

/** What a rehearsal is about. */
export type RehearsalOptions = {
  readonly camera: Pick<Camera, 'hub' | 'status'>;
  readonly settings: RecordingSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** Pictures as they would be stored, and the process that makes them. */
type Line = AsyncDisposable & { readonly hub: FrameHub; pid(): number | null };

/**
 * Measures for {@link REHEARSAL_MS}. Nothing of the camera is changed and nothing is written to the disk.
 * @throws NvrError `unavailable` when the camera is not live or gives no picture, `cancelled`
 */
export async function rehearse(options: RehearsalOptions): Promise<RehearsalReport> {
  const { camera, settings, clock, signal } = options;
  const { state, audio } = camera.status();
  const newest = camera.hub.newestVideo?.frame;
  if (state !== 'live' || !newest) {
    throw new NvrError('unavailable', 'The camera gives no pictures now; they are what is measured');
  }
  const encodes = settings.format === 'mp4' && newest.codec === 'mjpeg';
  await using line = encodes ? encoding(options) : copying(options, newest);
  const first = await firstPicture(line.hub, options);
  const before = ticks(line.pid());
  const startedMs = clock.monoMs();
  let { bytes, frames } = { bytes: first.data.length, frames: 1 };
  using reader = line.hub.open({ kinds: 'video', policy: 'every', start: 'live', onFrame: () => count() });
  const count = () => {
    for (let item: HubItem | null = reader.poll(); item; item = reader.poll()) {
      bytes += item.frame.data.length;
      frames++;
    }
  };
  await clock.sleep(REHEARSAL_MS, signal);
  const measuredMs = clock.monoMs() - startedMs;
  const after = ticks(line.pid());
  const seconds = measuredMs / SECOND_MS;
  const sound = audio && settings.audio ? SOUND_BYTES_PER_SECOND : 0;
  const bytesPerHour = Math.round((bytes / seconds + sound) * 3600);
  const hoursPerDay = hoursOf(settings, clock.wallMs());
  return {
    ...{ measuredMs: Math.round(measuredMs), frames, bytesPerHour, hoursPerDay, encodes },
    bytesPerDay: Math.round(bytesPerHour * hoursPerDay),
    processorShare: before === null || after === null ? null : Math.max(0, after - before) / seconds,
  };
}

const ticks = (pid: number | null) => (pid === null ? null : processorSeconds(pid));

/** An encoder of its own with these settings: the camera's may run with others. */
function encoding({ camera, settings, clock, log }: RehearsalOptions): Line {
  const { encoder: encoderSettings, segmentSeconds } = settings;
  const encoder = new Encoder({ source: camera.hub, settings: encoderSettings, segmentSeconds, clock, log });
  encoder.start();
  return { hub: encoder.hub, pid: () => encoder.pid, [Symbol.asyncDispose]: () => encoder.stop() };
}

/** The recorder's ffmpeg, which copies. */
function copying({ camera, settings, log }: RehearsalOptions, newest: VideoFrame): Line {
  const { codec, codecConfig } = newest;
  const format = codec === 'mjpeg' ? settings.format : 'mp4';
  const ffmpeg = FfmpegProcess.start(
    segmentJob({ file: NOWHERE, format, codec, sound: null, comment: '', startAt: Math.floor(newest.at) }),
    { log },
  );
  const size = newest.width > 0 ? newest : (jpegSize(newest.data) ?? newest);
  const writer = new MatroskaWriter([
    { kind: 'video', codec, width: size.width, height: size.height, ...(codecConfig ? { codecConfig } : {}) },
  ]);
  void ffmpeg.write(writer.header());
  let zeroMs: number | null = null;
  const reader = camera.hub.open({ kinds: 'video', policy: 'every', start: 'newestKey', onFrame: () => feed() });
  const feed = () => {
    for (let item: HubItem | null = reader.poll(); item; item = reader.poll()) {
      if (item.frame.kind !== 'video' || item.frame.codec !== codec) continue;
      zeroMs ??= item.frame.monoMs;
      void ffmpeg.write(...writer.frame(0, Math.round(item.frame.monoMs - zeroMs), item.frame.key, item.frame.data));
    }
  };
  feed();
  return {
    hub: camera.hub,
    pid: () => ffmpeg.pid,
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await ffmpeg.stop();
    },
  };
}

async function firstPicture(hub: FrameHub, { clock, signal }: RehearsalOptions): Promise<VideoFrame> {
  const late = new AbortController();
  const timer = clock.after(FIRST_PICTURE_MS, () => late.abort());
  using reader = hub.open({ kinds: 'video', policy: 'every', start: 'live' });
  try {
    for await (const { frame } of reader.items(AbortSignal.any([signal, late.signal]))) {
      if (frame.kind === 'video') return frame;
    }
  } finally {
    timer.cancel();
  }
  if (signal.aborted) throw new NvrError('cancelled', 'Cancelled');
  throw new NvrError('unavailable', `No picture could be recorded within ${FIRST_PICTURE_MS / SECOND_MS} s`);
}

/** Of an average day of the coming week. */
function hoursOf({ mode, schedules }: RecordingSettings, nowMs: number): number {
  if (mode === 'off') return 0;
  if (mode !== 'schedule') return 24;
  const windows = new Schedule(schedules).windows(nowMs, nowMs + WEEK_DAYS * DAY_MS);
  const onMs = windows.reduce((sum, { from, to }) => sum + to - from, 0);
  return (onMs / (WEEK_DAYS * DAY_MS)) * 24;
}
