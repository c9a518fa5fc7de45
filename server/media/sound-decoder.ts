// A camera's sound block as PCM, for every codec that needs no decoder of its own.

import type { AudioCodec, AudioFrame } from '../core/frame.ts';
import { decodeG711 } from './g711.ts';
import { decodeImaBlock } from './ima-adpcm.ts';

/** Whether {@link decodeSound} knows this codec (AAC needs ffmpeg). */
export function isDecodable(codec: AudioCodec): boolean {
  return codec !== 'aac';
}

/** The samples, channels interleaved; `null` when the codec needs a real decoder. */
export function decodeSound({ codec, data }: Pick<AudioFrame, 'codec' | 'data'>): Int16Array | null {
  if (codec === 'ima-adpcm') return decodeImaBlock(data);
  if (codec === 'pcma' || codec === 'pcmu') return decodeG711(codec, data);
  if (codec !== 'pcm-s16le') return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const pcm = new Int16Array(data.byteLength >> 1);
  for (let n = 0; n < pcm.length; n++) pcm[n] = view.getInt16(n * 2, true);
  return pcm;
}
