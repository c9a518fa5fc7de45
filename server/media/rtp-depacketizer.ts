// What every depacketizer looks like: packets of one track in, whole frames out. Pure; never sees a connection.

import type { AudioCodec, VideoCodec } from '../core/frame.ts';
import type { RtpPacket } from './rtp.ts';

/** A whole picture. `data` is its own memory. */
export type RtpPicture = {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  readonly key: boolean;
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly codecConfig?: Uint8Array;
  /** RTP timestamp. */
  readonly timestamp: number;
};

/** A block of sound. `data` is its own memory. */
export type RtpSound = {
  readonly kind: 'audio';
  readonly codec: AudioCodec;
  readonly data: Uint8Array;
  readonly sampleRate: number;
  readonly channels: number;
  readonly samples: number;
  readonly codecConfig?: Uint8Array;
  readonly timestamp: number;
};

/** What a depacketizer gives. */
export type RtpFrame = RtpPicture | RtpSound;

/** Why something was not given out; counted, never thrown. */
export type RtpDrop = 'damaged' | 'unsupported' | 'oversize' | 'beforeKey';

/** Where frames and losses go. */
export type RtpOutput = { frame(frame: RtpFrame): void; drop(reason: RtpDrop): void };

/** One track's packets to frames. Bad bytes are dropped and counted; nothing is thrown. */
export interface Depacketizer {
  /** Takes the next packet in order. `lost` packets are missing before it. */
  push(packet: RtpPacket, lost: number): void;
  /** Bytes held for an unfinished frame. */
  readonly heldBytes: number;
}
