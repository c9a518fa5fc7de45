// The one place that turns `--source` into pictures.

import type { NvrError } from '../core/nvr-error.ts';
import { CountedPictures } from './counted-pictures.ts';
import { FfmpegPictures } from './ffmpeg-pictures.ts';
import type { PictureSource } from './pictures.ts';

/** The name of the pictures that need no ffmpeg. */
export const COUNTER_SOURCE = 'counter';

/** Options of {@link openPictures}. */
export type OpenPicturesOptions = {
  /** `testsrc` (ffmpeg: a test picture with a clock), `counter` (built in, no ffmpeg), or a file. */
  readonly source: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seed?: number;
  readonly onEnd?: (error: NvrError) => void;
};

/** @throws NvrError `bad_input`, `unavailable` or `timeout`, see {@link FfmpegPictures.open} */
export async function openPictures(options: OpenPicturesOptions): Promise<PictureSource> {
  const { source, width, height, seed } = options;
  if (source === COUNTER_SOURCE) return new CountedPictures({ width, height, ...(seed === undefined ? {} : { seed }) });
  return await FfmpegPictures.open(options);
}
