// RTP packets (RFC 3550): head, order, time; and of RTCP only what a receiver has to know and say.

const VERSION = 2;
const HEAD_BYTES = 12;
const SEQUENCES = 0x10000;
const HALF_SEQUENCES = 0x8000;
const TIMESTAMPS = 2 ** 32;
const RTCP_SENDER_REPORT = 200;
const RTCP_RECEIVER_REPORT = 201;
const RTCP_SOURCE_DESCRIPTION = 202;
const RTCP_BYE = 203;

/** A parsed packet. `payload` is a view on the bytes that were parsed. */
export type RtpPacket = {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
};

/** Reads a packet; `null` when it is not RTP or lies about its lengths. */
export function parseRtp(bytes: Uint8Array): RtpPacket | null {
  if (bytes.length < HEAD_BYTES || bytes[0]! >> 6 !== VERSION) return null;
  let start = HEAD_BYTES + (bytes[0]! & 0x0f) * 4;
  if ((bytes[0]! & 0x10) !== 0) {
    if (start + 4 > bytes.length) return null;
    start += 4 + ((bytes[start + 2]! << 8) | bytes[start + 3]!) * 4;
  }
  let end = bytes.length;
  if ((bytes[0]! & 0x20) !== 0) {
    const padding = bytes[end - 1]!;
    if (padding === 0) return null;
    end -= padding;
  }
  if (start > end) return null;
  return {
    payloadType: bytes[1]! & 0x7f,
    marker: (bytes[1]! & 0x80) !== 0,
    sequence: (bytes[2]! << 8) | bytes[3]!,
    timestamp: readU32(bytes, 4),
    ssrc: readU32(bytes, 8),
    payload: bytes.subarray(start, end),
  };
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** How far `b` is after `a` on a ring of sequence numbers: negative when before. */
export function sequenceDistance(a: number, b: number): number {
  const forward = (b - a) & (SEQUENCES - 1);
  return forward >= HALF_SEQUENCES ? forward - SEQUENCES : forward;
}

/** A head and the payload, for senders. */
export function encodeRtp(packet: RtpPacket): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + packet.payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION << 6;
  bytes[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  view.setUint16(2, packet.sequence);
  view.setUint32(4, packet.timestamp);
  view.setUint32(8, packet.ssrc);
  bytes.set(packet.payload, HEAD_BYTES);
  return bytes;
}

/** RTP timestamps to milliseconds that only go where the camera's clock goes: 32 bits are unwrapped. */
export class RtpClock {
  readonly #rate: number;
  #last: number | null;
  #ticks = 0;

  /** @param zero the timestamp that is 0 ms (`rtptime` of RTP-Info); the first packet when `null` */
  constructor(rate: number, zero: number | null = null) {
    this.#rate = rate;
    this.#last = zero;
  }

  /** Milliseconds since zero. A timestamp a little in the past (B pictures) gives a smaller value. */
  toMs(timestamp: number): number {
    if (this.#last === null) this.#last = timestamp;
    let delta = (timestamp - this.#last) % TIMESTAMPS;
    if (delta >= TIMESTAMPS / 2) delta -= TIMESTAMPS;
    else if (delta < -TIMESTAMPS / 2) delta += TIMESTAMPS;
    this.#ticks += delta;
    this.#last = timestamp;
    return (this.#ticks * 1000) / this.#rate;
  }
}

/** What we look for in RTCP. */
export type RtcpFacts = {
  /** The sender says goodbye. */
  readonly bye: boolean;
  /** Middle 32 bits of the NTP time of the last sender report, for our own report. */
  readonly lastReport: number | null;
  readonly ssrc: number | null;
};

/** Reads a compound packet; `null` when it is not RTCP. */
export function parseRtcp(bytes: Uint8Array): RtcpFacts | null {
  let bye = false;
  let lastReport: number | null = null;
  let ssrc: number | null = null;
  let at = 0;
  while (at + 4 <= bytes.length) {
    const type = bytes[at + 1]!;
    const end = at + 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!) * 4;
    if (bytes[at]! >> 6 !== VERSION || type < 192 || type > 223 || end > bytes.length)
      return at === 0 ? null : { bye, lastReport, ssrc };
    if (type === RTCP_BYE) bye = true;
    if (type === RTCP_SENDER_REPORT && end - at >= 28) {
      ssrc = readU32(bytes, at + 4);
      lastReport = readU32(bytes, at + 10);
    }
    at = end;
  }
  return at === 0 ? null : { bye, lastReport, ssrc };
}

/** What a receiver report says. */
export type ReceiverReport = {
  /** Our own number. */
  readonly ssrc: number;
  readonly source: number;
  readonly lost: number;
  readonly highestSequence: number;
  readonly lastReport: number;
};

/** A receiver report with an empty description: cameras end a UDP stream that nobody reports on. */
export function encodeReceiverReport(report: ReceiverReport): Uint8Array {
  const bytes = new Uint8Array(32 + 12);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (VERSION << 6) | 1);
  view.setUint8(1, RTCP_RECEIVER_REPORT);
  view.setUint16(2, 7);
  view.setUint32(4, report.ssrc);
  view.setUint32(8, report.source);
  view.setUint32(12, Math.min(report.lost, 0x7fffff));
  view.setUint32(16, report.highestSequence);
  view.setUint32(24, report.lastReport);
  // A source description with one empty CNAME, which a compound packet must have.
  view.setUint8(32, (VERSION << 6) | 1);
  view.setUint8(33, RTCP_SOURCE_DESCRIPTION);
  view.setUint16(34, 2);
  view.setUint32(36, report.ssrc);
  view.setUint8(40, 1);
  return bytes;
}
