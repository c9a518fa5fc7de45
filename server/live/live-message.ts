// The words of `WS /api/live`: text messages in, binary pictures out. Pure. See `design/live-protocol.md`.

import { NvrError } from '../core/nvr-error.ts';
import { WIDTH_RANGE } from './resize.ts';

/** Longest message of a client. */
export const MAX_MESSAGE_CHARACTERS = 4096;
/** Subscriptions of one socket. */
export const MAX_SUBSCRIPTIONS = 64;
/** Pictures on their way to one subscription: one being shown, one being sent. */
export const MAX_UNACKED = 2;
/** The same for MP4, where a message is small and the way may be long; what waits is sent as one. */
export const MAX_UNACKED_MP4 = 8;
export const PROTOCOL_VERSION = 1;

/** How a socket ends. */
export const CLOSE = { stopping: 1001, badMessage: 4400, unauthenticated: 4401, flood: 4429 } as const;

/** What a client can ask for. */
export type ClientMessage =
  | { readonly type: 'auth'; readonly token: string }
  | {
      readonly type: 'subscribe';
      readonly id: number;
      readonly camera: string;
      readonly kind: 'jpeg' | 'mp4';
      readonly width: number | null;
      readonly fps: number | null;
      /** `sub`: the smaller source where the camera has one. */
      readonly source: 'main' | 'sub';
      /** MP4 only: whether the sound comes along. */
      readonly sound: boolean;
    }
  | { readonly type: 'unsubscribe'; readonly id: number }
  | { readonly type: 'ack'; readonly id: number; readonly seq: number };

/** Kinds of binary messages. */
export const BINARY_KIND = { jpeg: 1, mp4Init: 2, mp4Fragments: 3 } as const;
/** Bits of the second byte. */
export const FLAG = { old: 1, shrunk: 2, key: 4 } as const;
/** Length of the head of a binary message. */
export const BINARY_HEAD_BYTES = 24;

const MAX_ID = 0xffff;
const MAX_U32 = 0xffffffff;
const MAX_FPS = 120;
const MAX_TEXT = 200;

/** @throws NvrError `bad_input` with what was expected */
export function parseClientMessage(text: string): ClientMessage {
  if (text.length > MAX_MESSAGE_CHARACTERS) throw bad(`messages of at most ${MAX_MESSAGE_CHARACTERS} characters`);
  let message: Record<string, unknown>;
  try {
    message = JSON.parse(text);
  } catch {
    throw bad('JSON');
  }
  if (typeof message !== 'object' || message === null) throw bad('an object');
  switch (message.type) {
    case 'auth':
      return { type: 'auth', token: textOf(message.token, 'token') };
    case 'subscribe': {
      const { kind = 'jpeg', width = null, fps = null, source = 'main', sound = true } = message;
      if (typeof sound !== 'boolean') throw bad('sound true or false');
      if (source !== 'main' && source !== 'sub') throw bad('source "main" or "sub"');
      if (kind !== 'jpeg' && kind !== 'mp4') throw bad('kind "jpeg" or "mp4"');
      return {
        type: 'subscribe',
        id: whole(message.id, 'id', 0, MAX_ID),
        camera: textOf(message.camera, 'camera'),
        kind,
        width: width === null ? null : whole(width, 'width', WIDTH_RANGE.min, WIDTH_RANGE.max),
        fps: fps === null ? null : rate(fps),
        source,
        sound,
      };
    }
    case 'unsubscribe':
      return { type: 'unsubscribe', id: whole(message.id, 'id', 0, MAX_ID) };
    case 'ack':
      return { type: 'ack', id: whole(message.id, 'id', 0, MAX_ID), seq: whole(message.seq, 'seq', 0, MAX_U32) };
    default:
      throw bad('type auth, subscribe, unsubscribe or ack');
  }
}

/** What stands before the bytes of a picture. */
export type PictureHead = {
  readonly flags: number;
  readonly id: number;
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly skipped: number;
  readonly width: number;
  readonly height: number;
};

/** The head of a binary picture message. */
export function encodePictureHead(head: PictureHead, kind: number = BINARY_KIND.jpeg): Uint8Array {
  const bytes = Buffer.alloc(BINARY_HEAD_BYTES);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt8(head.flags, 1);
  bytes.writeUInt16BE(head.id, 2);
  bytes.writeUInt32BE(head.seq >>> 0, 4);
  bytes.writeDoubleBE(head.at, 8);
  bytes.writeUInt32BE(Math.min(head.skipped, MAX_U32), 16);
  bytes.writeUInt16BE(Math.min(head.width, MAX_ID), 20);
  bytes.writeUInt16BE(Math.min(head.height, MAX_ID), 22);
  return bytes;
}

function bad(expected: string): NvrError {
  return new NvrError('bad_input', `Expected ${expected}`);
}

function textOf(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_TEXT) return value;
  throw bad(`${field}: a text of at most ${MAX_TEXT} characters`);
}

function whole(value: unknown, field: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw bad(`${field}: a whole number from ${min} to ${max}`);
}

function rate(value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= MAX_FPS) return value;
  throw bad(`fps: a number above 0 and at most ${MAX_FPS}`);
}
