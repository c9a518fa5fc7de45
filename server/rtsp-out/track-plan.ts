// How one kind of frames goes out: payload type, clock, words of the description, packets. A plan is for one format; a frame
// that does not fit it needs a new description, that is, a new session.

import type { AudioFrame, Frame, VideoFrame } from '../core/frame.ts';
import { parseAacConfig } from '../media/aac.ts';
import { encodeAlaw } from '../media/g711.ts';
import { packetizeJpeg } from '../media/jpeg-rtp-packetizer.ts';
import { sameBytes } from '../media/nal.ts';
import type { PacketTrain } from '../media/packet-train.ts';
import { parameterSets } from '../media/parameter-sets.ts';
import { packetizeAac, packetizePicture, packetizeSamples } from '../media/rtp-packetizers.ts';
import { aacParameters, videoParameters } from '../media/sdp-writer.ts';
import { decodeSound } from '../media/sound-decoder.ts';

/** See the head of this file. */
export type TrackPlan = {
  readonly kind: 'video' | 'audio';
  readonly payloadType: number;
  /** Ticks per second of its timestamps. */
  readonly clockRate: number;
  readonly encoding: string;
  readonly parameters: string | null;
  /** Whether the frame is of the described format. */
  fits(frame: Frame): boolean;
  /** Its packets, made once for all readers; `null` when it cannot be sent. */
  packets(frame: Frame): PacketTrain | null;
};

const VIDEO_CLOCK = 90_000;
/** Static payload types (RFC 3551); the others are dynamic. */
const PAYLOAD = { pcmu: 0, pcma: 8, jpeg: 26, video: 96, audio: 97 } as const;
const G711_RATE = 8000;
const NO_BYTES = new Uint8Array(0);

const made = new WeakMap<Frame, PacketTrain | null>();

function once(frame: Frame, make: () => PacketTrain | null): PacketTrain | null {
  const known = made.get(frame);
  if (known !== undefined) return known;
  const train = make();
  made.set(frame, train);
  return train;
}

/** For pictures like this one; `null` when RTP cannot carry it (see jpeg-rtp-packetizer.ts), or it does not say enough. */
export function planVideo(example: VideoFrame): TrackPlan | null {
  if (example.codec === 'mjpeg') return packetizeJpeg(example.data) && jpegPlan;
  const { codec, codecConfig } = example;
  const parameters = codecConfig ? videoParameters(codec, codecConfig) : null;
  if (!codecConfig || parameters === null) return null;
  return {
    ...{ kind: 'video', payloadType: PAYLOAD.video, clockRate: VIDEO_CLOCK, parameters },
    encoding: `${codec.toUpperCase()}/${VIDEO_CLOCK}`,
    fits: (frame) =>
      frame.kind === 'video' &&
      frame.codec === codec &&
      (frame.codecConfig === undefined ||
        frame.codecConfig === codecConfig ||
        sameBytes(frame.codecConfig, codecConfig)),
    packets: (frame) =>
      once(frame, () => {
        if (frame.kind !== 'video' || frame.codec === 'mjpeg') return null;
        const sets = parameterSets(frame.codec, frame.codecConfig ?? codecConfig) ?? [];
        return packetizePicture({ codec: frame.codec, key: frame.key, data: frame.data }, sets);
      }),
  };
}

const jpegPlan: TrackPlan = {
  ...{ kind: 'video', payloadType: PAYLOAD.jpeg, clockRate: VIDEO_CLOCK, encoding: `JPEG/${VIDEO_CLOCK}` },
  parameters: null,
  fits: (frame) => frame.kind === 'video' && frame.codec === 'mjpeg',
  packets: (frame) => once(frame, () => packetizeJpeg(frame.data)),
};

/**
 * For sound like this block: AAC and G.711 as they are; other sound as A-law where that is what it is good for (8 kHz, one
 * channel: every player, go2rtc and browsers take it), else as L16. `null` when it does not say enough.
 */
export function planSound(example: AudioFrame): TrackPlan | null {
  const { codec, sampleRate, channels, codecConfig = NO_BYTES } = example;
  const fits = (frame: Frame) =>
    frame.kind === 'audio' &&
    frame.codec === codec &&
    frame.sampleRate === sampleRate &&
    frame.channels === channels &&
    sameBytes(frame.codecConfig ?? codecConfig, codecConfig);
  const common = { kind: 'audio', clockRate: sampleRate, fits, parameters: null } as const;
  const names = channels === 1 ? `${sampleRate}` : `${sampleRate}/${channels}`;
  const isNarrow = sampleRate === G711_RATE && channels === 1;
  const packets = (make: (data: Uint8Array, frame: AudioFrame) => PacketTrain | null) => (frame: Frame) =>
    once(frame, () => (frame.kind === 'audio' ? make(frame.data, frame) : null));
  if (codec === 'aac') {
    if (!parseAacConfig(codecConfig)) return null;
    return {
      ...{ ...common, payloadType: PAYLOAD.audio, parameters: aacParameters(codecConfig) },
      encoding: `MPEG4-GENERIC/${sampleRate}/${channels}`,
      packets: packets(packetizeAac),
    };
  }
  if (codec === 'pcma' || codec === 'pcmu') {
    return {
      ...{ ...common, payloadType: isNarrow ? PAYLOAD[codec] : PAYLOAD.audio },
      encoding: `${codec.toUpperCase()}/${names}`,
      packets: packets((data) => packetizeSamples(data, channels, false)),
    };
  }
  if (isNarrow) {
    return {
      ...{ ...common, payloadType: PAYLOAD.pcma, encoding: `PCMA/${names}` },
      packets: packets((_data, frame) =>
        packetizeSamples(encodeAlaw(decodeSound(frame) ?? new Int16Array(0)), 1, false),
      ),
    };
  }
  return {
    ...{ ...common, payloadType: PAYLOAD.audio, encoding: `L16/${names}` },
    packets: packets((_data, frame) => {
      const pcm = decodeSound(frame) ?? new Int16Array(0);
      return packetizeSamples(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength), 2 * channels, true);
    }),
  };
}
