// One ffmpeg that turns coded pictures into JPEGs: frames in, pictures out, each with the times of the frame it came from.

import type { Instant, VideoFrame } from '../core/frame.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import { type FfmpegExit, FfmpegProcess, type FfmpegProcessOptions } from '../ffmpeg/ffmpeg-process.ts';
import { jpegJob } from '../ffmpeg/jpeg-job.ts';
import { jpegSize } from '../media/jpeg.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { MultipartReader } from '../media/multipart.ts';
import { sameBytes } from '../media/nal.ts';

/** Frames whose pictures may be on their way; more means that some could not be decoded, and are forgotten. */
const MAX_PENDING = 32;
const NO_BYTES = new Uint8Array(0);

/** Gets each JPEG, and how many frames are still inside. */
export type OnPicture = (picture: VideoFrame, waiting: number) => void;

/** See the head of this file. `stop` it. */
export class CodedRun {
  readonly #process: FfmpegProcess;
  readonly #writer: MatroskaWriter;
  readonly #first: VideoFrame;
  readonly #onPicture: OnPicture;
  readonly #pending: Instant[] = [];
  readonly #output: Promise<void>;
  #begun = false;
  /** Pictures that came out. */
  pictures = 0;

  /**
   * @param first a key picture; what differs from it in codec or size needs another run
   * @param onPicture gets each JPEG, and how many frames are still inside
   */
  constructor(first: VideoFrame, options: FfmpegProcessOptions, onPicture: OnPicture) {
    const { codec, width, height, codecConfig } = first;
    this.#first = first;
    this.#onPicture = onPicture;
    this.#writer = new MatroskaWriter([{ kind: 'video', codec, width, height, ...(codecConfig && { codecConfig }) }]);
    this.#process = FfmpegProcess.start(jpegJob(), options);
    this.#output = this.#read();
  }

  /** How ffmpeg ended, or `null` while it runs. */
  get exit(): FfmpegExit | null {
    return this.#process.exit;
  }

  /** Frames that went in and have not come out. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Whether this run can take the frame. */
  takes(frame: VideoFrame): boolean {
    const { codec, width, height, codecConfig = NO_BYTES } = this.#first;
    const same = frame.codec === codec && frame.width === width && frame.height === height;
    return same && sameBytes(frame.codecConfig ?? NO_BYTES, codecConfig);
  }

  /** Resolves when the next frame may be given. */
  async write(frame: VideoFrame): Promise<void> {
    const head = this.#begun ? [] : [this.#writer.header()];
    this.#begun = true;
    this.#pending.push({ at: frame.at, monoMs: frame.monoMs });
    if (this.#pending.length > MAX_PENDING) this.#pending.shift();
    const timeMs = Math.max(0, frame.monoMs - this.#first.monoMs);
    await this.#process.write(...head, ...this.#writer.frame(0, timeMs, frame.key, frame.data));
  }

  /** Ends it; resolves when all that came out was given. */
  async stop(finishMs?: number): Promise<FfmpegExit> {
    const exit = await this.#process.stop(finishMs);
    await this.#output;
    return exit;
  }

  /** Ends it now. */
  kill(): void {
    void this.#process.kill();
  }

  async #read(): Promise<void> {
    const reader = new MultipartReader({ picture: (data) => this.#picture(data), damaged: () => {} });
    try {
      for await (const bytes of this.#process.stdout ?? []) reader.push(bytes as Uint8Array);
    } catch (error) {
      void toNvrError(error); // the exit says what happened
      this.kill();
    }
  }

  #picture(data: Uint8Array): void {
    const time = this.#pending.shift() ?? this.#first;
    this.pictures++;
    const size = jpegSize(data) ?? { width: this.#first.width, height: this.#first.height };
    const { at, monoMs } = time;
    const frame = { kind: 'video', codec: 'mjpeg', key: true, data, ...size, at, monoMs, mediaMs: null } as const;
    this.#onPicture(frame, this.#pending.length);
  }
}

/**
 * The last of these pictures as a JPEG, by a process of its own.
 * @param group a key picture and those that follow it
 * @param finishMs how long ffmpeg has after the last picture went in
 * @throws NvrError `unavailable` when it cannot be decoded
 */
export async function decodeLast(group: readonly VideoFrame[], finishMs: number): Promise<VideoFrame> {
  const [first] = group;
  if (!first?.key) throw new NvrError('unavailable', 'There is no key picture to begin with');
  let last: VideoFrame | null = null;
  const run = new CodedRun(first, {}, (picture) => {
    last = picture;
  });
  for (const frame of group) await run.write(frame);
  const { error } = await run.stop(finishMs);
  if (!last) throw error ?? new NvrError('unavailable', 'The picture could not be decoded');
  return last;
}
