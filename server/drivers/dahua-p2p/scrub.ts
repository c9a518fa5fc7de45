// What captures need to know: RTSP travels inside PTCP, cut into messages and segments, lost and sent again. A password that
// lies across such a border is found only in the stream.

import type { CapturedDatagrams } from '../../net/capture-file.ts';
import { classifyDatagram, MESSAGE_HEADER_BYTES, parseSegment, SEGMENT_HEADER_BYTES, seqDelta } from './wire.ts';

/** A number far outside what was captured is a lie, or another session. */
const MAX_GAP_BYTES = 4 * 1024 * 1024;

/** Types of messages: data, and the last one that is known. */
const DATA = 0x10;
const SIGN_DONE = 0x1b;

type Piece = { readonly at: number; readonly body: Uint8Array };

/** Puts one direction's streams together, lets them be redacted, and writes the result into every copy of every segment. */
export async function scrubPtcp(
  datagrams: CapturedDatagrams,
  redact: (stream: Uint8Array) => Promise<void>,
): Promise<void> {
  for (const pieces of sessionsOf(datagrams)) {
    const first = Math.min(...pieces.map(({ at }) => at));
    const end = Math.max(...pieces.map(({ at, body }) => at + body.length));
    const stream = new Uint8Array(end - first);
    for (const { at, body } of pieces) stream.set(body, at - first);
    for (const data of partsOf(stream)) {
      const whole = Buffer.concat(data);
      await redact(whole);
      let from = 0;
      for (const view of data) {
        view.set(whole.subarray(from, from + view.length));
        from += view.length;
      }
    }
    for (const { at, body } of pieces) body.set(stream.subarray(at - first, at - first + body.length));
  }
}

/** Bodies with their places; a jump of the numbers begins anew. */
function sessionsOf(datagrams: CapturedDatagrams): Piece[][] {
  const sessions: Piece[][] = [];
  let newest = { seq: 0, at: 0 };
  for (const bytes of datagrams) {
    if (classifyDatagram(bytes) !== 'ptcp' || bytes.length < SEGMENT_HEADER_BYTES) continue;
    const { seq, body } = parseSegment(bytes);
    const delta = seqDelta(seq, newest.seq);
    const isNew = sessions.length === 0 || Math.abs(delta) > MAX_GAP_BYTES;
    const at = isNew ? 0 : newest.at + delta;
    if (isNew) sessions.push([]);
    if (isNew || delta > 0) newest = { seq, at };
    if (body.length > 0) sessions.at(-1)!.push({ at, body });
  }
  return sessions.filter((pieces) => pieces.length > 0);
}

/**
 * The data of each realm as views of the stream, and everything else as one more part. A capture may begin in the middle of a
 * message: its rest is in the last part.
 */
function partsOf(stream: Uint8Array): Uint8Array[][] {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const realms = new Map<number, Uint8Array[]>();
  const rest: Uint8Array[] = [];
  let restFrom = 0;
  for (let at = 0; at + MESSAGE_HEADER_BYTES <= stream.length; ) {
    const type = stream[at]!;
    const isHeader = type >= DATA && type <= SIGN_DONE && view.getUint32(at + 8) === 0;
    if (!isHeader) {
      at++;
      continue;
    }
    const from = at + MESSAGE_HEADER_BYTES;
    if (type !== DATA) {
      // Their bodies are a few octets that look like no header.
      at = from;
      continue;
    }
    const end = Math.min(stream.length, from + (view.getUint32(at) & 0xffffff));
    const realm = view.getUint32(at + 4);
    const list = realms.get(realm) ?? [];
    realms.set(realm, list);
    list.push(stream.subarray(from, end));
    rest.push(stream.subarray(restFrom, from));
    restFrom = end;
    at = end;
  }
  rest.push(stream.subarray(restFrom));
  return [...realms.values(), rest];
}
