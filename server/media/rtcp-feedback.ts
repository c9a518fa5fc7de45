// What a receiver says in RTCP (RFC 4585, RFC 5104): send a key picture, send these packets again, goodbye. Hostile input: what
// does not parse ends the reading, what came before it counts.

const HEAD_BYTES = 4;
const VERSION = 2;
const BYE = 203;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const NACK = 1;
const PICTURE_LOSS = 1;
const FULL_INTRA_REQUEST = 4;
/** Header, sender, source. */
const FEEDBACK_BYTES = 12;
const BITS = 16;
const SEQUENCES = 0x10000;

/** See the head of this file. */
export type Feedback =
  | { readonly kind: 'keyWanted' }
  | { readonly kind: 'lost'; readonly ssrc: number; readonly sequences: readonly number[] }
  | { readonly kind: 'bye' };

/** Reads a compound packet, decrypted. Never throws. */
export function parseFeedback(bytes: Uint8Array): Feedback[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Feedback[] = [];
  let at = 0;
  while (at + HEAD_BYTES <= bytes.length && bytes[at]! >> 6 === VERSION) {
    const format = bytes[at]! & 0x1f;
    const type = bytes[at + 1]!;
    const end = at + HEAD_BYTES + view.getUint16(at + 2) * 4;
    if (end > bytes.length) break;
    if (type === BYE) found.push({ kind: 'bye' });
    if (type === PAYLOAD_FEEDBACK && (format === PICTURE_LOSS || format === FULL_INTRA_REQUEST)) {
      found.push({ kind: 'keyWanted' });
    }
    if (type === TRANSPORT_FEEDBACK && format === NACK && end - at >= FEEDBACK_BYTES) {
      found.push({ kind: 'lost', ssrc: view.getUint32(at + 8), sequences: lostIn(view, at + FEEDBACK_BYTES, end) });
    }
    at = end;
  }
  return found;
}

/** Each item is a packet, and a bit for each of the 16 behind it. */
function lostIn(view: DataView, from: number, end: number): number[] {
  const lost: number[] = [];
  for (let at = from; at + 4 <= end; at += 4) {
    const first = view.getUint16(at);
    const more = view.getUint16(at + 2);
    lost.push(first);
    for (let bit = 0; bit < BITS; bit++) if ((more >> bit) & 1) lost.push((first + bit + 1) % SEQUENCES);
  }
  return lost;
}
