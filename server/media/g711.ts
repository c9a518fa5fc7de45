// G.711 (ITU-T): A-law and µ-law to 16-bit PCM and PCM to A-law, by tables made from the recommendation's segments.

const SEGMENT_MASK = 0x70;
const MANTISSA_MASK = 0x0f;
const ULAW_BIAS = 0x84;

function alaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits & SEGMENT_MASK) >> 4;
  const mantissa = ((bits & MANTISSA_MASK) << 4) + 8;
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1);
  return (bits & 0x80) !== 0 ? magnitude : -magnitude;
}

function ulaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & MANTISSA_MASK) << 3) + ULAW_BIAS) << ((bits & SEGMENT_MASK) >> 4)) - ULAW_BIAS;
  return (bits & 0x80) !== 0 ? -magnitude : magnitude;
}

const TABLES = {
  pcma: Int16Array.from({ length: 256 }, (_, code) => alaw(code)),
  pcmu: Int16Array.from({ length: 256 }, (_, code) => ulaw(code)),
} as const;

/** Samples of a block; one byte is one sample. */
export function decodeG711(law: 'pcma' | 'pcmu', data: Uint8Array): Int16Array {
  const table = TABLES[law];
  const pcm = new Int16Array(data.length);
  for (let n = 0; n < data.length; n++) pcm[n] = table[data[n]!]!;
  return pcm;
}

/** By 16-bit sample, as unsigned: the code whose segment holds it. */
const ALAW_CODES = Uint8Array.from({ length: 65_536 }, (_, bits) => {
  const sample = (bits << 16) >> 16;
  const magnitude = Math.min(32_767, Math.abs(sample));
  const segment = magnitude < 256 ? 0 : 31 - Math.clz32(magnitude) - 7;
  const mantissa = segment === 0 ? magnitude >> 4 : (magnitude >> (segment + 3)) & MANTISSA_MASK;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | mantissa) ^ 0x55;
});

/** Samples to A-law; one sample is one byte. */
export function encodeAlaw(pcm: Int16Array): Uint8Array {
  const data = new Uint8Array(pcm.length);
  for (let n = 0; n < pcm.length; n++) data[n] = ALAW_CODES[pcm[n]! & 0xffff]!;
  return data;
}
