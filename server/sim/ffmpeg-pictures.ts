// Pictures from ffmpeg: the test picture with a running clock, a photo, or a video played in a loop. ffmpeg runs in real
// time whether or not anybody looks, as a sensor does; who reads gets what is new since his last picture.

import { existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { extname } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { jpegSourceJob } from '../ffmpeg/jpeg-source-job.ts';
import { MultipartJpegs } from './multipart-jpegs.ts';
import type { Picture, PictureReader, PictureSource } from './pictures.ts';

/** Options of {@link FfmpegPictures.open}. */
export type FfmpegPicturesOptions = {
  /** `testsrc`, or the path of a picture or video. */
  readonly source: string;
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  readonly quality?: number;
  /** Told when ffmpeg ends although nobody stopped it: there will be no further pictures. */
  readonly onEnd?: (error: NvrError) => void;
};

/** The name of the generated picture. */
export const TEST_SOURCE = 'testsrc';

const DEFAULTS = { width: 640, height: 480, fps: 12, quality: 4 } as const;
/** Exit code of the script that starts ffmpeg when there is none. */
const EXIT_NO_FFMPEG = 127;
const FIRST_PICTURE_MS = 10_000;
/** Pictures kept for readers that are a little late. */
const RING_PICTURES = 8;
/** A reader starts, and starts again after being too late, this far behind the newest: unsteady timing costs no picture. */
const LAG_PICTURES = 1;
/** Further behind than this is too late: a camera slower than the source shows the present, not the past. */
const MAX_LAG_PICTURES = 4;
const STILL_SUFFIXES = ['.jpg', '.jpeg', '.png', '.bmp', '.webp'];
/** Where Debian and others keep a plain font; the first that exists is used. */
const FONT_FILES = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf',
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf',
  '/usr/share/fonts/dejavu/DejaVuSansMono.ttf',
  '/usr/share/fonts/TTF/DejaVuSansMono.ttf',
];

/** A live {@link PictureSource}. */
export class FfmpegPictures implements PictureSource {
  readonly width: number;
  readonly height: number;
  readonly #ffmpeg: FfmpegProcess;
  readonly #ring: Picture[] = [];
  /** How many pictures came so far; the newest has number `count - 1`. */
  #count = 0;
  #stopped = false;

  /**
   * Starts ffmpeg and waits for its first picture.
   * @throws NvrError `bad_input` (no such file, no picture in it), `unavailable` (no ffmpeg), `timeout`
   */
  static async open(options: FfmpegPicturesOptions): Promise<FfmpegPictures> {
    if (options.source !== TEST_SOURCE) {
      await access(options.source).catch((cause) => {
        throw new NvrError('bad_input', `The file ${options.source} cannot be read`, { cause });
      });
    }
    const pictures = new FfmpegPictures(options);
    try {
      await pictures.#first(options.source);
    } catch (error) {
      await pictures.stop();
      throw error;
    }
    return pictures;
  }

  private constructor(options: FfmpegPicturesOptions) {
    const { source, width, height, fps, quality } = { ...DEFAULTS, ...options };
    this.width = width;
    this.height = height;
    const kind = STILL_SUFFIXES.includes(extname(source).toLowerCase()) ? 'still' : 'video';
    const job = jpegSourceJob({
      input: source === TEST_SOURCE ? { kind: 'test' } : { kind, path: source },
      ...{ width, height, fps, quality },
      fontFile: FONT_FILES.find((file) => existsSync(file)) ?? null,
    });
    this.#ffmpeg = FfmpegProcess.start(job);
    const cutter = new MultipartJpegs();
    this.#ffmpeg.stdout?.on('data', (chunk: Buffer) => {
      try {
        for (const data of cutter.push(chunk)) this.#add({ data, width, height });
      } catch {
        // Not multipart: something else than our ffmpeg speaks. Its end is the report.
        void this.#ffmpeg.kill();
      }
    });
    void this.#ffmpeg.exited.then(({ error }) => {
      if (!this.#stopped && this.#count > 0) {
        options.onEnd?.(error ?? new NvrError('unavailable', 'ffmpeg ended and gives no more pictures'));
      }
    });
  }

  reader(): PictureReader {
    let nextNumber = Math.max(0, this.#count - 1 - LAG_PICTURES);
    return {
      next: () => {
        if (nextNumber >= this.#count) return null;
        if (this.#count - 1 - nextNumber > MAX_LAG_PICTURES) nextNumber = this.#count - 1 - LAG_PICTURES;
        const fromNewest = this.#count - 1 - nextNumber;
        nextNumber += 1;
        return this.#ring[this.#ring.length - 1 - fromNewest] ?? null;
      },
    };
  }

  /** Ends ffmpeg; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ffmpeg.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #add(picture: Picture): void {
    this.#ring.push(picture);
    if (this.#ring.length > RING_PICTURES) this.#ring.shift();
    this.#count += 1;
    this.#onFirst?.();
  }

  #onFirst: (() => void) | null = null;

  async #first(source: string): Promise<void> {
    const arrived = new Promise<'arrived'>((resolve) => {
      this.#onFirst = () => resolve('arrived');
      if (this.#count > 0) resolve('arrived');
    });
    const ended = this.#ffmpeg.exited;
    const giveUp = new AbortController();
    const late = systemClock.sleep(FIRST_PICTURE_MS, giveUp.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    );
    const outcome = await Promise.race([arrived, ended, late]);
    giveUp.abort();
    this.#onFirst = null;
    if (outcome === 'arrived') return;
    if (outcome === 'late') throw new NvrError('timeout', `ffmpeg gave no picture of ${source} within 10 s`);
    const { error, stderr } = outcome;
    const isFileToBlame = source !== TEST_SOURCE && error?.context.exitCode !== EXIT_NO_FFMPEG;
    if (error && !isFileToBlame) throw error;
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    throw new NvrError('bad_input', `ffmpeg finds no pictures in ${source}: ${reason}`, { cause: error });
  }
}
