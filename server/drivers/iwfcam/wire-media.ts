// `2TEG` 03: pictures and sound. The hot path: one call per datagram, no allocation.
// Source: protocols/iwfcam.md sections 11, 13 and 18.

import {
  type DropReason,
  HEADER_BYTES,
  MAX_FRAGMENTS,
  MAX_PAYLOAD_BYTES,
  newPacket,
  PEER_SIGNATURE,
  putU16,
  putU32,
  u16,
  u32,
} from './wire-bytes.ts';
import { peerCommand } from './wire-control.ts';

/** Kinds of media packets. Talk and data (snapshots, files) exist too; Perch ignores them. */
export const mediaKind = { video: 0, audio: 1, talk: 2, data: 3 } as const;

/** Fragment size of the vendor's sender. */
export const FRAGMENT_BYTES = 1032;
/** Largest step index of an ADPCM block. */
export const MAX_STEP_INDEX = 88;

const MEDIA_HEAD_BYTES = 24;
const FRAME_HEAD_BYTES = 16;
const AUDIO_EXTRA_BYTES = 4;
const MIN_AUDIO_BLOCK_BYTES = 5;

/** What one media datagram says. Mutable so that a session can reuse a single object. */
export type MediaPacket = {
  kind: 'media';
  session: number;
  mediaKind: number;
  /** The counter of the device that counts pictures and sound together; wraps at 65536. */
  frameIndex: number;
  /** Position of the fragment in its picture; 0 for sound. */
  packetIndex: number;
  /** Where the payload lies in the datagram. */
  offset: number;
  length: number;
  /** Only true for fragment 0: the next four fields were announced. Not checked for sanity. */
  hasHead: boolean;
  totalBytes: number;
  packetCount: number;
  width: number;
  height: number;
  /** Device clock in milliseconds, wraps at 2^32; of fragment 0 and of sound. */
  timestampMs: number;
};

/** An empty one, to be filled by {@link parseMedia}. */
export function newMediaPacket(): MediaPacket {
  return {
    kind: 'media',
    session: 0,
    mediaKind: 0,
    frameIndex: 0,
    packetIndex: 0,
    offset: 0,
    length: 0,
    hasHead: false,
    totalBytes: 0,
    packetCount: 0,
    width: 0,
    height: 0,
    timestampMs: 0,
  };
}

/** Whether the datagram claims to be media; cheap and without any check. */
export function isMedia(bytes: Uint8Array): boolean {
  return bytes.length >= 6 && u16(bytes, 4) === peerCommand.media && u32(bytes, 0) === PEER_SIGNATURE;
}

/**
 * Reads a media datagram into `into`.
 * @param anyOffset believe header sizes other than the known 0, 4 and 16 (an unknown firmware)
 * @returns why it is not to be believed, or `null` when `into` is filled
 */
export function parseMedia(bytes: Uint8Array, into: MediaPacket, anyOffset = false): DropReason | null {
  const size = bytes.length;
  if (size < HEADER_BYTES) return 'short';
  const dataBytes = u16(bytes, 6);
  if (dataBytes + HEADER_BYTES > size) return 'length';
  if (dataBytes < MEDIA_HEAD_BYTES - HEADER_BYTES) return 'fields';
  const kind = u16(bytes, 14);
  if (kind > mediaKind.audio) return 'mediaKind';
  const length = u32(bytes, 20);
  const extra = dataBytes - (MEDIA_HEAD_BYTES - HEADER_BYTES) - length;
  if (length === 0 || length > MAX_PAYLOAD_BYTES || extra < 0) return 'mediaLength';
  if (!anyOffset && extra !== 0 && extra !== FRAME_HEAD_BYTES && extra !== AUDIO_EXTRA_BYTES) return 'mediaOffset';
  const offset = MEDIA_HEAD_BYTES + extra;

  into.session = u32(bytes, 8);
  into.mediaKind = kind;
  into.frameIndex = u16(bytes, 16);
  into.offset = offset;
  into.length = length;
  into.hasHead = false;
  if (kind === mediaKind.audio) {
    if (extra < AUDIO_EXTRA_BYTES) return 'mediaOffset';
    if (length < MIN_AUDIO_BLOCK_BYTES || bytes[offset + 2]! > MAX_STEP_INDEX) return 'audioBlock';
    into.packetIndex = 0;
    into.timestampMs = u32(bytes, MEDIA_HEAD_BYTES);
    return null;
  }
  const packetIndex = u16(bytes, 18);
  if (packetIndex >= MAX_FRAGMENTS) return 'packetIndex';
  into.packetIndex = packetIndex;
  if (packetIndex === 0 && extra === FRAME_HEAD_BYTES) {
    into.hasHead = true;
    into.totalBytes = u32(bytes, 24);
    into.packetCount = u32(bytes, 28);
    into.width = u16(bytes, 32);
    into.height = u16(bytes, 34);
    into.timestampMs = u32(bytes, 36);
  }
  return null;
}

/** What fragment 0 announces of its picture. */
export type FrameHead = {
  readonly totalBytes: number;
  readonly packetCount: number;
  readonly width: number;
  readonly height: number;
  readonly timestampMs: number;
};

/** One fragment of a picture; `head` belongs to fragment 0 (a firmware without it is possible). */
export function encodeVideo(packet: {
  readonly session: number;
  readonly frameIndex: number;
  readonly packetIndex: number;
  readonly head?: FrameHead;
  readonly payload: Uint8Array;
}): Uint8Array {
  const extra = packet.head ? FRAME_HEAD_BYTES : 0;
  const bytes = newPacket(PEER_SIGNATURE, peerCommand.media, 16 + extra + packet.payload.length);
  putU32(bytes, 8, packet.session);
  putU16(bytes, 12, 1);
  putU16(bytes, 14, mediaKind.video);
  putU16(bytes, 16, packet.frameIndex);
  putU16(bytes, 18, packet.packetIndex);
  putU32(bytes, 20, packet.payload.length);
  if (packet.head) {
    putU32(bytes, 24, packet.head.totalBytes);
    putU32(bytes, 28, packet.head.packetCount);
    putU16(bytes, 32, packet.head.width);
    putU16(bytes, 34, packet.head.height);
    putU32(bytes, 36, packet.head.timestampMs);
  }
  bytes.set(packet.payload, MEDIA_HEAD_BYTES + extra);
  return bytes;
}

/** One whole ADPCM block. `frameIndex` is the low half of the 32-bit frame id. */
export function encodeAudio(packet: {
  readonly session: number;
  readonly frameIndex: number;
  readonly timestampMs: number;
  readonly block: Uint8Array;
}): Uint8Array {
  const bytes = newPacket(PEER_SIGNATURE, peerCommand.media, 16 + AUDIO_EXTRA_BYTES + packet.block.length);
  putU32(bytes, 8, packet.session);
  putU16(bytes, 12, 1);
  putU16(bytes, 14, mediaKind.audio);
  putU16(bytes, 16, packet.frameIndex);
  putU32(bytes, 20, packet.block.length);
  putU32(bytes, 24, packet.timestampMs);
  bytes.set(packet.block, MEDIA_HEAD_BYTES + AUDIO_EXTRA_BYTES);
  return bytes;
}
