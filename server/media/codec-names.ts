// Names of codecs as MIME types have them (RFC 6381): what `MediaSource.isTypeSupported` and HLS ask for.

import { parseAacConfig } from './aac.ts';

const hex = (byte: number) => byte.toString(16).padStart(2, '0');

/** `avc1.64001f` of an avcC record. @returns null when the record is too short */
export function h264Name(avcC: Uint8Array): string | null {
  if (avcC.length < 7) return null;
  return `avc1.${hex(avcC[1]!)}${hex(avcC[2]!)}${hex(avcC[3]!)}`;
}

/** `hvc1.1.6.L93.b0` of an hvcC record (ISO 14496-15 annex E). @returns null when the record is too short */
export function h265Name(hvcC: Uint8Array): string | null {
  if (hvcC.length < 23) return null;
  const first = hvcC[1]!;
  const space = ['', 'A', 'B', 'C'][first >> 6];
  const tier = first & 0x20 ? 'H' : 'L';
  // The compatibility flags are written with their bits in reverse.
  const flags = new DataView(hvcC.buffer, hvcC.byteOffset).getUint32(2);
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) if (flags & (1 << bit)) reversed += 2 ** (31 - bit);
  const constraints = [...hvcC.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = [`hvc1`, `${space}${first & 0x1f}`, reversed.toString(16), `${tier}${hvcC[12]}`];
  return [...parts, ...constraints.map((byte) => byte.toString(16))].join('.');
}

/** `mp4a.40.2` of an AudioSpecificConfig. @returns null when it is damaged */
export function aacName(config: Uint8Array): string | null {
  const facts = parseAacConfig(config);
  return facts && `mp4a.40.${facts.objectType}`;
}
