// G.711 (ITU-T): A-law and µ-law to 16-bit PCM, by tables made from the recommendation's segments.

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
