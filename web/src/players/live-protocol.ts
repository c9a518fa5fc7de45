// The messages of `WS /api/live`, as server/design/live-protocol.md has them. Pure; what is not understood is `null`.

/** A camera's picture, still coded. `takenAt` is the server's wall clock, milliseconds. */
export type LivePictureMessage = {
  readonly kind: 'picture';
  readonly id: number;
  readonly seq: number;
  /** Was old when it was sent: to be shown, but not as live. */
  readonly old: boolean;
  readonly takenAt: number;
  /** `null` for kinds of pictures that this page does not know: only acknowledged. */
  readonly jpeg: Uint8Array<ArrayBuffer> | null;
};

/** A piece of MP4: a beginning, or frames. */
export type LiveBytesMessage = {
  readonly kind: 'bytes';
  readonly id: number;
  readonly seq: number;
  readonly takenAt: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** What the pieces of MP4 from here on are. */
export type LiveFormatMessage = {
  readonly kind: 'format';
  readonly id: number;
  readonly mime: string;
  readonly sound: boolean;
};

export type LiveMessage =
  | LivePictureMessage
  | LiveBytesMessage
  | LiveFormatMessage
  /** `noSignal`: the camera gives no pictures at the moment. */
  | { readonly kind: 'state'; readonly id: number; readonly noSignal: boolean }
  | { readonly kind: 'ended'; readonly id: number; readonly code: string };

/** The highest subscription id. */
export const MAX_ID = 65535;
/** Close code: not signed in, or not any more. */
export const CLOSED_SIGNED_OUT = 4401;

const WIDTH = { min: 16, max: 4096 } as const;
const HEADER_BYTES = 24;
const KIND_JPEG = 1;
const KINDS_MP4: readonly number[] = [2, 3];
const FLAG_OLD = 1;

/** `sub`: the smaller pictures, where the camera has a second source. */
export type LiveSource = 'main' | 'sub';

/** The camera's own H.264 or H.265. @param sound whether its sound comes along */
export function subscribeVideoMessage(id: number, camera: string, source: LiveSource, sound: boolean): string {
  return JSON.stringify({ type: 'subscribe', id, camera, source, kind: 'mp4', sound });
}

/** @param width pixels that are of use, `null` for all */
export function subscribeMessage(id: number, camera: string, source: LiveSource, width: number | null): string {
  const bounded = width === null ? undefined : Math.min(WIDTH.max, Math.max(WIDTH.min, Math.round(width)));
  return JSON.stringify({ type: 'subscribe', id, camera, source, width: bounded });
}

export function unsubscribeMessage(id: number): string {
  return JSON.stringify({ type: 'unsubscribe', id });
}

export function ackMessage({ id, seq }: { readonly id: number; readonly seq: number }): string {
  return JSON.stringify({ type: 'ack', id, seq });
}

/** Reads one message. */
export function parseLive(data: string | ArrayBuffer): LiveMessage | null {
  return typeof data === 'string' ? parseText(data) : parsePicture(data);
}

function parsePicture(data: ArrayBuffer): LivePictureMessage | LiveBytesMessage | null {
  if (data.byteLength < HEADER_BYTES) return null;
  const view = new DataView(data);
  if (KINDS_MP4.includes(view.getUint8(0))) {
    const bytes = new Uint8Array(data, HEADER_BYTES);
    return { kind: 'bytes', id: view.getUint16(2), seq: view.getUint32(4), takenAt: view.getFloat64(8), bytes };
  }
  return {
    kind: 'picture',
    id: view.getUint16(2),
    seq: view.getUint32(4),
    old: (view.getUint8(1) & FLAG_OLD) !== 0,
    takenAt: view.getFloat64(8),
    jpeg: view.getUint8(0) === KIND_JPEG ? new Uint8Array(data, HEADER_BYTES) : null,
  };
}

function parseText(text: string): LiveMessage | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof message !== 'object' || message === null) return null;
  const { type, id, noSignal, code, mime, sound } = message as Record<string, unknown>;
  if (typeof id !== 'number') return null;
  if (type === 'state' && typeof noSignal === 'boolean') return { kind: 'state', id, noSignal };
  if (type === 'format' && typeof mime === 'string') return { kind: 'format', id, mime, sound: sound === true };
  if (type === 'ended') return { kind: 'ended', id, code: typeof code === 'string' ? code : '' };
  return null;
}
