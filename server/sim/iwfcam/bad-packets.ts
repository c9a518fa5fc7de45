// What a broken or hostile camera sends: the `bad-*` vectors of the protocol description, aimed at the session and the
// picture that are under way, where they can do harm. A client drops and counts them and the pictures go on.

import type { Endpoint } from '../../net/net.ts';

/** Where a bad packet is aimed: which of its fields are set to those of the running stream. */
type Aim =
  /** Nothing: its own bytes are the trouble. */
  | 'asIs'
  | 'session'
  /** The session of another client, the picture under way. */
  | 'wrongSession'
  /** The picture under way. */
  | 'thisFrame'
  /** The picture under way, one fragment behind its last. */
  | 'beyondCount'
  /** A picture of its own, with a number that the device counted up for it. */
  | 'ownFrame'
  /** A discovery answer: the camera's own address is filled in. */
  | 'discovery';

type BadPacket = { readonly name: string; readonly aim: Aim; readonly hex: string };

/** The picture that is being sent. */
export type StreamPoint = {
  readonly session: number;
  readonly frameIndex: number;
  readonly fragments: number;
  /** Counts the device's media counter up and gives the new value. */
  readonly takeFrameIndex: () => number;
};

const SESSION_AT = 8;
const FRAME_INDEX_AT = 16;
const PACKET_INDEX_AT = 18;
const DISCOVERY_PORT_AT = 34;
const DISCOVERY_ADDRESS_AT = 36;
/** The answer whose port is 0 keeps it. */
const PORTLESS = 'bad-discovery-port-0';

/** Every bad packet, as the vectors have it. */
export const badPackets: readonly BadPacket[] = [
  { name: 'bad-empty', aim: 'asIs', hex: '' },
  { name: 'bad-7-bytes', aim: 'asIs', hex: '32544547030034' },
  { name: 'bad-header-only-media', aim: 'asIs', hex: '3254454703000000' },
  {
    name: 'bad-data-len-longer-than-datagram',
    aim: 'thisFrame',
    hex:
      '325445470300ffff0100000001000000020100001400000033000000030000008002e00140e20100ffd8ffe000104a464946000101' +
      '00000100010000',
  },
  {
    name: 'bad-truncated-payload',
    aim: 'thisFrame',
    hex:
      '32544547030034000100000001000000020100001400000033000000030000008002e00140e20100ffd8ffe000104a464946000101' +
      '000001000100',
  },
  {
    name: 'bad-media-len-underflow',
    aim: 'thisFrame',
    hex:
      '32544547030034000100000001000000020100003c00000033000000030000008002e00140e20100ffd8ffe000104a464946000101' +
      '00000100010000',
  },
  {
    name: 'bad-media-len-4g',
    aim: 'thisFrame',
    hex:
      '3254454703003400010000000100000002010000ffffffff33000000030000008002e00140e20100ffd8ffe000104a464946000101' +
      '00000100010000',
  },
  { name: 'bad-media-len-zero', aim: 'thisFrame', hex: '325445470300100001000000010000000500010000000000' },
  {
    name: 'bad-offset-unknown',
    aim: 'thisFrame',
    hex: '3254454703001b00010000000100000005000100040000000000000000000061626364',
  },
  { name: 'bad-pkt-index-65535', aim: 'thisFrame', hex: '325445470300140001000000010000000500ffff0400000061626364' },
  {
    name: 'bad-pkt-index-beyond-count',
    aim: 'beyondCount',
    hex: '32544547030014000100000001000000020103000400000061626364',
  },
  {
    name: 'bad-frame-head-insane',
    aim: 'ownFrame',
    hex: '325445470300280001000000010000000600000008000000ffffffffffffffff0000000000000000ffd8aabbccddffd9',
  },
  {
    name: 'bad-not-jpeg',
    aim: 'ownFrame',
    hex:
      '32544547030030000100000001000000070000001000000010000000010000008002e00100000000474554202f20485454502f312e' +
      '310d0a',
  },
  {
    name: 'bad-jpeg-without-eoi',
    aim: 'ownFrame',
    hex: '32544547030026000100000001000000080000000600000006000000010000008002e00100000000ffd8ffe00000',
  },
  {
    name: 'bad-wrong-magic',
    aim: 'asIs',
    hex:
      '39544547030034000100000001000000020100001400000033000000030000008002e00140e20100ffd8ffe000104a464946000101' +
      '00000100010000',
  },
  {
    name: 'bad-big-endian-magic',
    aim: 'asIs',
    hex:
      '47455432030034000100000001000000020100001400000033000000030000008002e00140e20100ffd8ffe000104a464946000101' +
      '00000100010000',
  },
  { name: 'bad-unknown-kind', aim: 'ownFrame', hex: '32544547030014000100000001000900090000000400000061626364' },
  {
    name: 'bad-wrong-session',
    aim: 'wrongSession',
    hex: '325445470300240002000000010000000201010014000000404142434445464748494a4b4c4d4e4f50515253',
  },
  {
    name: 'bad-audio-odd-header',
    aim: 'ownFrame',
    hex: '325445470300190001000000010001000a00000005000000000000000000ff00aa',
  },
  {
    name: 'bad-audio-too-short',
    aim: 'ownFrame',
    hex: '325445470300170001000000010001000b0000000300000000000000000000',
  },
  {
    name: 'bad-login-response-short',
    aim: 'asIs',
    hex: '315445470e00540000000000000000000000000000000000010000000000000000007d64c000020a',
  },
  {
    name: 'bad-login-response-session-0',
    aim: 'asIs',
    hex:
      '315445470e00540000000000000000000000000000000000000000000000000000007d64c000020a0000000000000100495043414d' +
      '000000000000000000000000000000000000000000000000000000010000000000000000000000',
  },
  {
    name: 'bad-discovery-count-lies',
    aim: 'discovery',
    hex:
      '315445470c00440001000000e80300000000000000000000000000000000000000007d64c000020a544553543030312d3031323334' +
      '353637383941422d303030314634000000000000000000',
  },
  {
    name: 'bad-discovery-port-0',
    aim: 'discovery',
    hex:
      '315445470c00440001000000010000000000000000000000000000000000000000000000c000020a544553543030312d3031323334' +
      '353637383941422d303030314634000000000000000000',
  },
  {
    name: 'bad-discovery-name-no-nul',
    aim: 'discovery',
    hex:
      '315445470c00440001000000010000000000000000000000000000000000000000007d64c000020a58585858585858585858585858' +
      '5858585858585858585858585858585858585800000000',
  },
  {
    name: 'bad-control-len-lies',
    aim: 'session',
    hex: '32544547020068000100000000000000030000005400000000000000000000000000000001000100',
  },
];

const streamPackets = badPackets.filter(({ aim }) => aim !== 'discovery');
const discoveryPackets = badPackets.filter(({ aim }) => aim === 'discovery');

/** Bad packet number `n` (they repeat), aimed at the stream. */
export function badStreamPacket(n: number, point: StreamPoint): Uint8Array {
  const { aim, hex } = streamPackets[n % streamPackets.length]!;
  const bytes = Buffer.from(hex, 'hex');
  if (aim === 'asIs') return bytes;
  bytes.writeUInt32LE(aim === 'wrongSession' ? point.session + 1 : point.session, SESSION_AT);
  if (aim === 'session') return bytes;
  bytes.writeUInt16LE(aim === 'ownFrame' ? point.takeFrameIndex() : point.frameIndex, FRAME_INDEX_AT);
  if (aim === 'beyondCount') bytes.writeUInt16LE(point.fragments, PACKET_INDEX_AT);
  return bytes;
}

/** How many different ones {@link badStreamPacket} has. */
export const badStreamPacketCount = streamPackets.length;

/** All bad discovery answers, with the camera's media address. */
export function badDiscoveryPackets(media: Endpoint): Uint8Array[] {
  return discoveryPackets.map(({ name, hex }) => {
    const bytes = Buffer.from(hex, 'hex');
    if (name !== PORTLESS) bytes.writeUInt16BE(media.port, DISCOVERY_PORT_AT);
    for (const [index, part] of media.address.split('.').entries()) bytes[DISCOVERY_ADDRESS_AT + index] = Number(part);
    return bytes;
  });
}
