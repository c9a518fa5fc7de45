// A camera's card at an exact size, in the plainest kind of JPEG: for streams whose pictures may not change their size.

import sharp from 'sharp';
import type { CardCache } from './card-cache.ts';
import type { LiveCamera } from './live-camera.ts';
import { MAX_PIXELS } from './resize.ts';

const QUALITY = 75;
const PAINT_SECONDS = 3;

/** The card as it should look now. Baseline, 4:2:0, standard Huffman tables: what RFC 2435 can carry. */
export async function cardPicture(
  cards: CardCache,
  camera: LiveCamera,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Uint8Array> {
  const { data } = await cards.get(camera, null).painting;
  return sharp(data, { failOn: 'none', limitInputPixels: MAX_PIXELS })
    .resize({ width, height, fit: 'fill' })
    .jpeg({ quality: QUALITY, optimiseCoding: false, chromaSubsampling: '4:2:0' })
    .timeout({ seconds: PAINT_SECONDS })
    .toBuffer();
}
