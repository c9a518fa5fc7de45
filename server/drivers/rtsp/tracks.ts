// From a session description to the tracks that are set up: the first picture stream that can be read, the first sound.

import { AacDepacketizer } from '../../media/aac-depacketizer.ts';
import { createH264Depacketizer } from '../../media/h264-depacketizer.ts';
import { createH265Depacketizer } from '../../media/h265-depacketizer.ts';
import { JpegDepacketizer } from '../../media/jpeg-rtp-depacketizer.ts';
import type { Depacketizer, RtpOutput } from '../../media/rtp-depacketizer.ts';
import { createPcmDepacketizer } from '../../media/rtp-pcm.ts';
import type { Sdp, SdpMedia } from '../../media/sdp.ts';
import { factText, failure } from './failures.ts';

/** Encoding names that are read, as they stand in descriptions. */
export const VIDEO_ENCODINGS = ['H264', 'H265', 'JPEG'];

/** The chosen streams and what was left out. */
export type ChosenTracks = {
  readonly video: SdpMedia;
  readonly audio: SdpMedia | null;
  /** Encoding of sound that is there but cannot be read. */
  readonly audioLeftOut: string | null;
};

/** Streams of a live camera come to us; `recvonly` in some firmware's description means the same from its side. */
const isOurs = (media: SdpMedia) => media.direction !== 'inactive';

/** @throws NvrError `protocol`: no video, or a codec that is not supported */
export function chooseTracks(sdp: Sdp, peer: string): ChosenTracks {
  const videos = sdp.media.filter((media) => media.kind === 'video' && isOurs(media));
  const audios = sdp.media.filter((media) => media.kind === 'audio' && isOurs(media));
  const video = videos.find(({ encoding }) => VIDEO_ENCODINGS.includes(encoding));
  if (!video) {
    if (videos.length === 0) throw failure('protocol', 'noVideo', `${peer} sends no video on this path`, peer);
    const names = videos.map(({ encoding }) => factText(encoding) || 'an unknown codec').join(', ');
    const message = `${peer} sends ${names}; Perch reads H.264, H.265 and JPEG: change the codec in the camera’s settings`;
    throw failure('protocol', 'codec', message, peer);
  }
  // A back channel (ONVIF: sendonly) is for talking to the camera.
  const heard = audios.filter(({ direction }) => direction !== 'sendonly' || audios.length === 1);
  const audio = heard.find((media) => createDepacketizer(media, { frame() {}, drop() {} }) !== null) ?? null;
  return { video, audio, audioLeftOut: audio ? null : (heard[0] && factText(heard[0].encoding)) || null };
}

/** What reads a track's packets; `null` when nobody can. */
export function createDepacketizer(media: SdpMedia, output: RtpOutput): Depacketizer | null {
  const { encoding, fmtp, size, clockRate: sampleRate, channels } = media;
  switch (encoding) {
    case 'H264':
      return createH264Depacketizer(fmtp, output);
    case 'H265':
      return createH265Depacketizer(fmtp, output);
    case 'JPEG':
      return new JpegDepacketizer(output, size);
    case 'MPEG4-GENERIC':
      return AacDepacketizer.create(fmtp, output);
    case 'PCMA':
      return createPcmDepacketizer({ codec: 'pcma', sampleRate, channels }, output);
    case 'PCMU':
      return createPcmDepacketizer({ codec: 'pcmu', sampleRate, channels }, output);
    case 'L16':
      return createPcmDepacketizer({ codec: 'pcm-s16le', sampleRate, channels }, output);
    default:
      return null;
  }
}
