// Sound whose packets need no unpacking (RFC 3551): G.711 as it is, L16 turned to little-endian.

import type { RtpPacket } from './rtp.ts';
import type { Depacketizer, RtpOutput } from './rtp-depacketizer.ts';

/** What the session description says of the track. */
export type PcmTrack = {
  readonly codec: 'pcma' | 'pcmu' | 'pcm-s16le';
  readonly sampleRate: number;
  readonly channels: number;
};

/** One packet is one block. */
export function createPcmDepacketizer(track: PcmTrack, output: RtpOutput): Depacketizer {
  const { codec, channels } = track;
  const frameBytes = channels * (codec === 'pcm-s16le' ? 2 : 1);
  return {
    heldBytes: 0,
    push({ payload, timestamp }: RtpPacket) {
      const samples = Math.floor(payload.length / frameBytes);
      if (samples === 0) return;
      const data = payload.slice(0, samples * frameBytes);
      if (codec === 'pcm-s16le') Buffer.from(data.buffer, data.byteOffset, data.length).swap16();
      output.frame({ kind: 'audio', ...track, data, samples, timestamp });
    },
  };
}
