// `2TEG` packets that are not media: commands and answers (01, 02), acknowledgements (04), path probes (00).
// Source: protocols/iwfcam.md sections 7-10, 12 and 14. Commands that change or brick a camera (WiFi, format, password,
// users, network, firmware, reboot: types 0E, 0F/4, 12, 16-1A, 50) cannot be built here, on purpose.

import {
  type DropReason,
  HEADER_BYTES,
  type Identity,
  identityAt,
  newPacket,
  PEER_SIGNATURE,
  putIdentity,
  putU16,
  putU32,
  u16,
  u32,
} from './wire-bytes.ts';

/** Command numbers of `2TEG` packets. */
export const peerCommand = { pathProbe: 0, command: 1, answer: 2, media: 3, acknowledge: 4 } as const;

/** Types of control packets that Perch or its simulator understands. */
export const controlType = {
  live: 0x00,
  heartbeat: 0x02,
  close: 0x03,
  snapshot: 0x0b,
  irLed: 0x13,
  time: 0x15,
} as const;

/** `sub` of an answer to a command that the device does not know. */
export const NOT_SUPPORTED = 0xffffffff;
/** Bits of the live mask. */
export const liveMask = { none: 0, video: 1, audio: 2, both: 3 } as const;

const CONTROL_BYTES = 20;
const LIVE_PARAMS_BYTES = 84;
const ACK_HEAD_BYTES = 8;
const ACK_ITEM_BYTES = 8;
/** Most items of one acknowledgement. */
export const MAX_ACK_ITEMS = 120;
/** Packet index that means "the whole frame". */
export const WHOLE_FRAME = 0xffff;

/** A command (01) or the answer to one (02); both sides send both. */
export type Control = {
  readonly kind: 'command' | 'answer';
  readonly session: number;
  readonly type: number;
  /** Sub-command, value, or in an answer the result. */
  readonly sub: number;
  readonly data: Uint8Array;
  /** The acknowledgement that rode along, outside the announced length. */
  readonly ack: AckBlock | null;
};
/** A frame that is over, or (NAK) a fragment that is missing. */
export type AckItem =
  | { readonly ack: true; readonly frame: number; readonly packet: number }
  | { readonly ack: false; readonly mediaKind: number; readonly frame: number; readonly packet: number };
/** `fps` 0 means "do not adapt"; any other value throttles the camera. */
export type AckBlock = { readonly session: number; readonly fps: number; readonly items: readonly AckItem[] };
/** An acknowledgement as a packet of its own. */
export type Acknowledge = AckBlock & { readonly kind: 'acknowledge' };
/** A probe of the path between the two; a LAN needs none. */
export type PathProbe = {
  readonly kind: 'pathProbe';
  readonly stage: number;
  readonly counter: number;
  readonly session: number;
  readonly identity: Identity;
};
/** What a device says of its stream; all zero is legal and none of it is believed over the payload. */
export type LiveParams = {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly videoFormat: string;
  readonly audioChannels: number;
  readonly audioRate: number;
  readonly audioBits: number;
};

/** Read-only and harmless commands without data, as type and sub. */
export const simpleCommands = {
  close: [0x03, 1],
  snapshot: [0x0b, 1],
  sdCardConfigRead: [0x0f, 0],
  sdCardFileList: [0x0f, 2],
  irConfigRead: [0x13, 1],
  irLedOn: [0x13, 3],
  irLedOff: [0x13, 4],
} as const;

function control(command: number, session: number, type: number, sub: number, dataBytes: number): Uint8Array {
  const bytes = newPacket(PEER_SIGNATURE, command, CONTROL_BYTES + dataBytes);
  putU32(bytes, 8, session);
  putU32(bytes, 12, type);
  putU32(bytes, 16, sub);
  putU32(bytes, 20, dataBytes);
  return bytes;
}

/** A command without data. */
export function encodeCommand(session: number, name: keyof typeof simpleCommands): Uint8Array {
  const [type, sub] = simpleCommands[name];
  return control(peerCommand.command, session, type, sub, 0);
}

/** Live request: `replace` sets the mask (and is the heartbeat), `clear` removes its bits (section 9). */
export function encodeLive(session: number, mask: number, mode: 'replace' | 'clear' = 'replace'): Uint8Array {
  const bytes = control(peerCommand.command, session, controlType.live, mode === 'replace' ? 1 : 0, 8);
  putU32(bytes, 32, mask);
  return bytes;
}

/** The vendor's heartbeat: received frames per second. */
export function encodeHeartbeat(session: number, receivedFps: number): Uint8Array {
  const bytes = control(peerCommand.command, session, controlType.heartbeat, 0, 8);
  putU16(bytes, 32, receivedFps);
  return bytes;
}

/** The device's heartbeat, 15 s after it last sent that client anything. */
export function encodeDeviceHeartbeat(session: number, online: number, fpsCap: number): Uint8Array {
  const bytes = control(peerCommand.command, session, controlType.heartbeat, 0, 8);
  putU16(bytes, 28, online);
  putU16(bytes, 30, fpsCap);
  return bytes;
}

/** Frame rate wish; the value travels in `sub`. */
export function encodeSetFps(session: number, fps: number): Uint8Array {
  return control(peerCommand.command, session, 0x05, fps, 0);
}

/** Sets the camera's clock: local calendar fields plus Unix time (section 8). */
export function encodeTimeSync(
  session: number,
  time: { year: number; month: number; day: number; hour: number; minute: number; second: number; unix: number },
): Uint8Array {
  const bytes = control(peerCommand.command, session, controlType.time, 2, 32);
  const fields = [time.year, time.month, time.day, time.hour, time.minute, time.second, time.unix];
  for (let i = 0; i < fields.length; i++) putU32(bytes, 28 + 4 * i, fields[i]!);
  return bytes;
}

/** Answer (02) to a command of any type. */
export function encodeAnswer(session: number, type: number, sub: number, data?: Uint8Array): Uint8Array {
  const bytes = control(peerCommand.answer, session, type, sub, data?.length ?? 0);
  if (data) bytes.set(data, HEADER_BYTES + CONTROL_BYTES);
  return bytes;
}

/** Answer to a live request, also sent unasked after a login: `mask` is what is active now. */
export function encodeLiveAnswer(session: number, mask: number, params: LiveParams): Uint8Array {
  const data = new Uint8Array(LIVE_PARAMS_BYTES);
  putU16(data, 0x08, 1);
  putU16(data, 0x0a, 1);
  putU32(data, 0x10, params.width);
  putU32(data, 0x14, params.height);
  putU32(data, 0x18, params.fps);
  putU32(data, 0x1c, 128);
  putU32(data, 0x20, 128);
  for (let i = 0; i < 4; i++) data[0x3c + i] = params.videoFormat.charCodeAt(i) || 0;
  putU32(data, 0x40, params.audioChannels);
  putU32(data, 0x44, params.audioRate);
  putU32(data, 0x48, params.audioBits);
  return encodeAnswer(session, controlType.live, mask, data);
}

/** Live parameters from the data of an answer of type 0, or `null` when they are not whole. */
export function parseLiveParams(data: Uint8Array): LiveParams | null {
  if (data.length < LIVE_PARAMS_BYTES) return null;
  return {
    width: u32(data, 0x10),
    height: u32(data, 0x14),
    fps: u32(data, 0x18),
    videoFormat: String.fromCharCode(...data.subarray(0x3c, 0x40)).replace(/[^\x20-\x7e]/g, ''),
    audioChannels: u32(data, 0x40),
    audioRate: u32(data, 0x44),
    audioBits: u32(data, 0x48),
  };
}

/** Path probe (section 14). Never build stage 0 on a LAN: it switches a camera to cloud relay mode. */
export function encodePathProbe(probe: Omit<PathProbe, 'kind' | 'stage'> & { readonly stage: 1 | 2 }): Uint8Array {
  const bytes = newPacket(PEER_SIGNATURE, peerCommand.pathProbe, 24);
  putU32(bytes, 8, probe.stage);
  putU32(bytes, 12, probe.counter);
  putU32(bytes, 16, probe.session);
  putIdentity(bytes, 20, probe.identity);
  return bytes;
}

function putAckBlock(bytes: Uint8Array, at: number, block: AckBlock, count: number): void {
  putU32(bytes, at, block.session);
  bytes[at + 4] = block.fps;
  bytes[at + 7] = count;
  for (let i = 0; i < count; i++) {
    const item = block.items[i]!;
    const itemAt = at + ACK_HEAD_BYTES + i * ACK_ITEM_BYTES;
    // An ACK names no media kind: its first two words are the constants 0201 and 0 (both real captures show them).
    putU16(bytes, itemAt, item.ack ? 0x0201 : 0);
    putU16(bytes, itemAt + 2, item.ack ? 0 : item.mediaKind);
    putU16(bytes, itemAt + 4, item.frame);
    putU16(bytes, itemAt + 6, item.packet);
  }
}

/** Acknowledgement of frames; at most {@link MAX_ACK_ITEMS} items are sent. */
export function encodeAcknowledge(block: AckBlock): Uint8Array {
  const count = Math.min(block.items.length, MAX_ACK_ITEMS);
  const bytes = newPacket(PEER_SIGNATURE, peerCommand.acknowledge, ACK_HEAD_BYTES + count * ACK_ITEM_BYTES);
  putAckBlock(bytes, HEADER_BYTES, block, count);
  return bytes;
}

/** Appends an acknowledgement to a control packet, outside its announced length. */
export function withAcknowledge(packet: Uint8Array, block: AckBlock): Uint8Array {
  const count = Math.min(block.items.length, MAX_ACK_ITEMS);
  const bytes = new Uint8Array(packet.length + ACK_HEAD_BYTES + count * ACK_ITEM_BYTES);
  bytes.set(packet);
  putU32(bytes, 24, 1);
  putAckBlock(bytes, packet.length, block, count);
  return bytes;
}

function ackBlockAt(bytes: Uint8Array, at: number, end: number): AckBlock | null {
  if (end - at < ACK_HEAD_BYTES) return null;
  const present = Math.floor((end - at - ACK_HEAD_BYTES) / ACK_ITEM_BYTES);
  const count = Math.min(bytes[at + 7]!, MAX_ACK_ITEMS, present);
  const items: AckItem[] = [];
  for (let i = 0; i < count; i++) {
    const itemAt = at + ACK_HEAD_BYTES + i * ACK_ITEM_BYTES;
    const frame = u16(bytes, itemAt + 4);
    const packet = u16(bytes, itemAt + 6);
    if ((bytes[itemAt]! & 1) === 1) items.push({ ack: true, frame, packet });
    else items.push({ ack: false, mediaKind: u16(bytes, itemAt + 2), frame, packet });
  }
  return { session: u32(bytes, at), fps: bytes[at + 4]!, items };
}

/** Packets whose signature is `2TEG`, whose header was checked and that are not media. */
export function parseControl(
  bytes: Uint8Array,
  command: number,
  dataBytes: number,
): Control | Acknowledge | PathProbe | DropReason {
  const end = HEADER_BYTES + dataBytes;
  switch (command) {
    case peerCommand.pathProbe:
      if (dataBytes < 24) return 'fields';
      return {
        kind: 'pathProbe',
        stage: u32(bytes, 8),
        counter: u32(bytes, 12),
        session: u32(bytes, 16),
        identity: identityAt(bytes, 20),
      };
    case peerCommand.command:
    case peerCommand.answer: {
      if (dataBytes < CONTROL_BYTES) return 'fields';
      const length = u32(bytes, 20);
      if (length > dataBytes - CONTROL_BYTES) return 'fields';
      const dataAt = HEADER_BYTES + CONTROL_BYTES;
      return {
        kind: command === peerCommand.command ? 'command' : 'answer',
        session: u32(bytes, 8),
        type: u32(bytes, 12),
        sub: u32(bytes, 16),
        data: bytes.subarray(dataAt, dataAt + length),
        ack: u32(bytes, 24) === 1 && bytes.length > end ? ackBlockAt(bytes, end, bytes.length) : null,
      };
    }
    case peerCommand.acknowledge: {
      const block = ackBlockAt(bytes, HEADER_BYTES, end);
      return block ? { kind: 'acknowledge', ...block } : 'fields';
    }
    default:
      return 'command';
  }
}
