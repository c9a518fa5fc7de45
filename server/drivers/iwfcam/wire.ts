// The IWFCam ("TEG") wire: bytes <-> packets, both directions, pure and bounded. The simulator imports only this file.
// A parser returns the packet, or the reason why the datagram is not to be believed (a string); it never throws.
// Source: protocols/iwfcam.md; pinned by captures/iwfcam-vectors.json.

import { type DropReason, HEADER_BYTES, PEER_SIGNATURE, SETUP_SIGNATURE, u16, u32 } from './wire-bytes.ts';
import { type Acknowledge, type Control, type PathProbe, parseControl, peerCommand } from './wire-control.ts';
import { type MediaPacket, newMediaPacket, parseMedia } from './wire-media.ts';
import {
  type DeviceClosing,
  type DiscoveryRequest,
  type DiscoveryResponse,
  type LoginRequest,
  type LoginResponse,
  parseSetup,
} from './wire-setup.ts';

export { credential, passwordToken } from './token.ts';
export {
  type DropReason,
  HEADER_BYTES,
  type Identity,
  MAX_FRAGMENTS,
  MAX_PAYLOAD_BYTES,
  SIBLING_SETUP_SIGNATURE,
  ZERO_IDENTITY,
} from './wire-bytes.ts';
export * from './wire-control.ts';
export * from './wire-media.ts';
export * from './wire-setup.ts';

/** UDP port on which cameras answer discovery. */
export const DISCOVERY_PORT = 10104;

/** Every packet that travels between a client and a camera on a LAN. */
export type Packet =
  | DiscoveryRequest
  | DiscoveryResponse
  | LoginRequest
  | LoginResponse
  | DeviceClosing
  | Control
  | Acknowledge
  | PathProbe
  | MediaPacket;

/**
 * Reads any datagram. Media has its own allocation-free door, {@link parseMedia}.
 * @returns the packet, or the reason to drop it
 */
export function parsePacket(bytes: Uint8Array): Packet | DropReason {
  if (bytes.length < HEADER_BYTES) return 'short';
  const signature = u32(bytes, 0);
  if (signature !== SETUP_SIGNATURE && signature !== PEER_SIGNATURE) return 'signature';
  const command = u16(bytes, 4);
  const dataBytes = u16(bytes, 6);
  if (dataBytes + HEADER_BYTES > bytes.length) return 'length';
  if (signature === SETUP_SIGNATURE) return parseSetup(bytes, command, dataBytes);
  if (command !== peerCommand.media) return parseControl(bytes, command, dataBytes);
  const media = newMediaPacket();
  return parseMedia(bytes, media) ?? media;
}
