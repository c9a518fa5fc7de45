// A number in the picture itself: a strip at the top, one square for each bit, so that it survives every codec and can be
// read from a picture that was decoded, whatever way it came.

const BITS = 10;
const SIDE = 32;
const LIGHT = 128;

/** Pictures with different numbers. */
export const COUNTER_RANGE = 2 ** BITS;

/** ffmpeg's filter that draws the number of each picture; the picture must be at least 352 wide. */
export const COUNTER_FILTER = [
  `drawbox=x=0:y=0:w=${(BITS + 1) * SIDE}:h=${SIDE}:color=black:t=fill`,
  ...Array.from({ length: BITS }, (_, bit) => {
    const isOn = `mod(floor(n/${2 ** bit}),2)`;
    return `drawbox=x=${bit * SIDE}:y=0:w=${SIDE}:h=${SIDE}:color=white:t=fill:enable='${isOn}'`;
  }),
].join(',');

/** ffmpeg's filter that makes {@link STRIP_BYTES} bytes of each picture. */
export const STRIP_FILTER = `crop=${BITS * SIDE}:${SIDE}:0:0,scale=${BITS}:1:flags=area,format=gray`;
/** Bytes of one strip. */
export const STRIP_BYTES = BITS;

/** The number on a strip. */
export function readStrip(strip: Uint8Array): number {
  return strip.reduce((number, level, bit) => number + (level >= LIGHT ? 2 ** bit : 0), 0);
}
