// One open segment: a reserved `.part`, an ffmpeg that copies into it, and what was given to it so far.

import type { RecordingFormat } from '../core/camera-config.ts';
import { systemClock, type Timer } from '../core/clock.ts';
import type { VideoCodec, VideoFrame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { type FfmpegExit, FfmpegProcess, FINISH_MS } from '../ffmpeg/ffmpeg-process.ts';
import { segmentJob } from '../ffmpeg/segment-job.ts';
import { jpegSize } from '../media/jpeg.ts';
import type { MatroskaTrack } from '../media/matroska-ids.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { encodeNote } from './file-facts.ts';
import type { Pace } from './pace.ts';
import { PART_SUFFIX, type SegmentFiles } from './segment-files.ts';
import type { SoundBlock, SoundTrack } from './sound.ts';
import { StartSpacing } from './start-spacing.ts';

/**
 * How long ffmpeg may take for what it was given, up to 512 KB, and for the file's index. Nobody waits for it, and on a
 * machine with a load of 28 it took more than three seconds to begin.
 */
export const SEGMENT_FINISH_MS = 20_000;

/** Of all cameras of this process: they share its event loop. */
const starts = new StartSpacing();

/** What a segment is begun with. */
export type SegmentStart = {
  readonly camera: string;
  readonly folder: string;
  readonly format: RecordingFormat;
  readonly first: VideoFrame;
  /** Wall-clock time of the first picture, whole milliseconds. */
  readonly startAt: number;
  readonly sound: SoundTrack | null;
  /** How far apart the camera's pictures are. */
  readonly pace: Pick<Pace, 'medianMs'>;
};

/** See the head of this file. `write` pictures in order; `end` once. */
export class SegmentWriter {
  /** Relative, without `.part`. */
  readonly path: string;
  readonly start: SegmentStart;
  readonly codec: VideoCodec;
  readonly ffmpeg: FfmpegProcess;
  readonly #writer: MatroskaWriter;
  frames = 0;
  /** Monotonic time of the newest picture given to ffmpeg. */
  lastMonoMs: number;
  #lastStampMs = -1;
  #lastSoundMs = -1;

  /**
   * @param maxWaitMs longest that it may wait for other cameras' files to begin
   * @throws NvrError when no file can be made
   */
  static async open(start: SegmentStart, files: SegmentFiles, log: Logger, maxWaitMs: number): Promise<SegmentWriter> {
    const path = await files.reserve(start.folder, start.startAt, start.format);
    await starts.turn(maxWaitMs);
    return new SegmentWriter(start, path, files.absolute(path + PART_SUFFIX), log);
  }

  private constructor(start: SegmentStart, path: string, file: string, log: Logger) {
    const { first, format, sound } = start;
    this.start = start;
    this.path = path;
    this.codec = first.codec;
    this.lastMonoMs = first.monoMs;
    const size = first.width > 0 ? first : (jpegSize(first.data) ?? first);
    const tracks: MatroskaTrack[] = [
      {
        ...{ kind: 'video', codec: first.codec, width: size.width, height: size.height },
        ...(first.codecConfig ? { codecConfig: first.codecConfig } : {}),
      },
    ];
    if (sound) tracks.push({ kind: 'audio', ...sound });
    this.#writer = new MatroskaWriter(tracks);
    const job = segmentJob({
      ...{ file, format, codec: first.codec, sound, startAt: start.startAt },
      comment: encodeNote(start.camera, start.startAt),
    });
    // On the real clock whatever the recorder's is: a process does not live in a test's time.
    this.ffmpeg = FfmpegProcess.start(job, { log });
    void this.ffmpeg.write(this.#writer.header());
  }

  /** Wall-clock time of a moment, by this segment's own relation of the clocks. */
  wallAt(monoMs: number): number {
    return Math.floor(this.start.startAt + monoMs - this.start.first.monoMs);
  }

  /** Where the segment ends when nothing follows: the newest picture plus the median distance. */
  get endAt(): number {
    return this.wallAt(this.lastMonoMs + this.medianMs);
  }

  /** Median distance of the recent pictures. */
  get medianMs(): number {
    return this.start.pace.medianMs;
  }

  /**
   * Gives a picture to ffmpeg; resolves when it can take more. Times inside the file never stand still.
   * @param shownMonoMs when it is shown: another order than that of the pictures means B-frames
   */
  write(frame: VideoFrame, shownMonoMs = frame.monoMs): Promise<void> {
    const shownMs = Math.max(0, Math.round(shownMonoMs - this.start.first.monoMs));
    const stampMs = shownMonoMs === frame.monoMs ? Math.max(this.#lastStampMs + 1, shownMs) : shownMs;
    this.#lastStampMs = Math.max(this.#lastStampMs, stampMs);
    this.frames++;
    this.lastMonoMs = frame.monoMs;
    return this.ffmpeg.write(...this.#writer.frame(0, stampMs, frame.key, frame.data));
  }

  /** Gives sound to ffmpeg. */
  async writeSound(blocks: readonly SoundBlock[]): Promise<void> {
    if (!this.start.sound) return;
    for (const { startMs, data } of blocks) {
      // Units from a little before the first picture must not all stand at its time: players refuse equal times.
      const stampMs = Math.max(this.#lastSoundMs + 1, Math.round(startMs - this.start.first.monoMs));
      this.#lastSoundMs = stampMs;
      await this.ffmpeg.write(...this.#writer.frame(1, stampMs, true, data));
    }
  }

  /**
   * Lets ffmpeg take the rest and finish the file.
   * @param finishMs how long it may take for that
   * @returns why the file is not whole, or `null`; `interrupted`: it is, and may lack the last pictures
   */
  async end(finishMs = SEGMENT_FINISH_MS): Promise<Pick<FfmpegExit, 'error' | 'interrupted'>> {
    const early = this.ffmpeg.exit;
    if (!early) return this.ffmpeg.stop(finishMs);
    const error = early.error ?? new NvrError('unavailable', 'ffmpeg ended the recording by itself');
    return { error, interrupted: false };
  }

  /** Perch ends: what ffmpeg has not taken soon is lost. */
  hurry(): Timer {
    return systemClock.after(FINISH_MS, () => this.ffmpeg.interrupt());
  }
}
