// Pictures made without ffmpeg, for tests and for load: a moving bar, a big counter, and the counter again in a comment
// segment, so that a test can tell pictures apart and see that not one bit changed on the way.

import { seededRandom } from '../core/random.ts';
import { BLOCK_PIXELS, encodeBlockJpeg, MAX_COMMENT_BYTES } from './block-jpeg.ts';
import type { Picture, PictureReader, PictureSource } from './pictures.ts';

/** Options of {@link CountedPictures}. */
export type CountedPicturesOptions = {
  readonly width?: number;
  readonly height?: number;
  /** Sizes of the files vary between these; what the picture needs at least is never cut. */
  readonly minBytes?: number;
  readonly maxBytes?: number;
  /** How many different pictures there are before they repeat. */
  readonly count?: number;
  /** Changes tint, sizes and padding. */
  readonly seed?: number;
};

const DEFAULTS = { width: 640, height: 480, minBytes: 15_000, maxBytes: 60_000, count: 256, seed: 1 } as const;
const COMMENT_MARK = 'perch-sim picture ';
const SEGMENT_HEAD_BYTES = 4;
const COUNTER_DIGITS = 5;
/** Digits of 3x5 cells, a bit per cell, rows from the top. */
const DIGITS = [0x7b6f, 0x2c97, 0x73e7, 0x73cf, 0x5bc9, 0x79cf, 0x79ef, 0x7249, 0x7bef, 0x7bcf];
const BACKGROUND = { dark: 56, step: 48 } as const;
const BAR_LEVEL = 208;
const DIGIT_LEVEL = 240;

/** The number in the comment of a picture made here, or `null` for any other JPEG. */
export function pictureNumber(jpeg: Uint8Array): number | null {
  const bytes = Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  const at = bytes.indexOf(COMMENT_MARK);
  if (at < 0) return null;
  const digits = /^\d+/.exec(bytes.toString('latin1', at + COMMENT_MARK.length, at + COMMENT_MARK.length + 12));
  return digits ? Number(digits[0]) : null;
}

/** The built-in {@link PictureSource}. Pictures are made when first asked for and then kept. */
export class CountedPictures implements PictureSource {
  readonly width: number;
  readonly height: number;
  readonly #options: Required<CountedPicturesOptions>;
  readonly #made: Array<Picture | undefined>;

  constructor(options: CountedPicturesOptions = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.width = this.#options.width;
    this.height = this.#options.height;
    this.#made = new Array(this.#options.count);
  }

  /** Each reader starts at picture 0. */
  reader(): PictureReader {
    let number = 0;
    return { next: () => this.picture(number++) };
  }

  /** Picture number `n`, modulo the count. */
  picture(n: number): Picture {
    const number = n % this.#options.count;
    let picture = this.#made[number];
    if (!picture) {
      picture = { data: this.#make(number), width: this.width, height: this.height };
      this.#made[number] = picture;
    }
    return picture;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #make(number: number): Buffer {
    const { minBytes, maxBytes, seed } = this.#options;
    const random = seededRandom(seed * 1_000_003 + number);
    const tintRandom = seededRandom(seed);
    const columns = Math.ceil(this.width / BLOCK_PIXELS);
    const rows = Math.ceil(this.height / BLOCK_PIXELS);
    const picture = {
      width: this.width,
      height: this.height,
      columns,
      rows,
      levels: drawCounter(columns, rows, number),
      tint: [96 + Math.floor(tintRandom() * 64), 96 + Math.floor(tintRandom() * 64)] as const,
    };
    const label = Buffer.from(`${COMMENT_MARK}${String(number).padStart(COUNTER_DIGITS, '0')} seed ${seed}`);
    const bare = encodeBlockJpeg({ ...picture, comments: [label] });
    const wantedBytes = Math.floor(minBytes + random() * (maxBytes - minBytes + 1));
    const padding: Buffer[] = [];
    for (let left = wantedBytes - bare.length; left > SEGMENT_HEAD_BYTES; ) {
      const part = Buffer.alloc(Math.min(left - SEGMENT_HEAD_BYTES, MAX_COMMENT_BYTES));
      // Different in every picture, so that a fragment of another picture cannot pass unnoticed; never FF.
      for (let index = 0; index + 4 <= part.length; index += 4) part.writeUInt32LE(random() * 0xffffffff, index);
      for (let at = part.indexOf(0xff); at >= 0; at = part.indexOf(0xff, at)) part[at] = 0x7f;
      padding.push(part);
      left -= part.length + SEGMENT_HEAD_BYTES;
    }
    return encodeBlockJpeg({ ...picture, comments: [label, ...padding] });
  }
}

/** Levels of a picture: a checkered ground, a bar that moves one block per picture, the number in big digits. */
function drawCounter(columns: number, rows: number, number: number): Uint8Array {
  const levels = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const checker = (Math.floor(row / 4) + Math.floor(column / 4)) % 2;
      levels[row * columns + column] = BACKGROUND.dark + checker * BACKGROUND.step;
    }
  }
  const barColumn = number % columns;
  for (let row = 0; row < rows; row++) levels[row * columns + barColumn] = BAR_LEVEL;

  const scale = Math.max(1, Math.floor(Math.min(columns / (COUNTER_DIGITS * 4), rows / 7)));
  const text = String(number).padStart(COUNTER_DIGITS, '0');
  const left = Math.max(0, Math.floor((columns - (COUNTER_DIGITS * 4 - 1) * scale) / 2));
  const top = Math.max(0, Math.floor((rows - 5 * scale) / 2));
  for (let place = 0; place < text.length; place++) {
    const shape = DIGITS[Number(text[place])]!;
    for (let cell = 0; cell < 15 * scale * scale; cell++) {
      const x = cell % (3 * scale);
      const y = Math.floor(cell / (3 * scale));
      const bit = 14 - (Math.floor(y / scale) * 3 + Math.floor(x / scale));
      if (((shape >> bit) & 1) === 0) continue;
      const column = left + place * 4 * scale + x;
      const row = top + y;
      if (column < columns && row < rows) levels[row * columns + column] = DIGIT_LEVEL;
    }
  }
  return levels;
}
