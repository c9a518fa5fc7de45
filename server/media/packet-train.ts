// The RTP packets of one frame as they stand in an RTSP connection (RFC 2326 section 10.12), made once. What differs from
// reader to reader (channel, sequence, time, source) is stamped into a copy: one copy and one write per frame and reader.

/** Payload bytes of a packet. Over TCP nothing forces it; receivers have buffers for an Ethernet's. */
export const MAX_PAYLOAD_BYTES = 1400;
const INTERLEAVED_BYTES = 4;
const RTP_BYTES = 12;
/** In front of each payload. */
const HEAD_BYTES = INTERLEAVED_BYTES + RTP_BYTES;
const DOLLAR = 0x24;
const RTP_VERSION_2 = 0x80;
const MARKER = 0x80;
/** The length of an interleaved packet has 16 bits. */
export const MAX_PACKET_PAYLOAD = 0xffff - RTP_BYTES;

/** One payload in pieces, joined here. */
export type Payload = {
  readonly pieces: readonly Uint8Array[];
  readonly marker: boolean;
  /** Later than the frame's own time by so many ticks. */
  readonly ticks?: number;
};

/** What is stamped into the packets of one reader. */
export type Stamp = {
  readonly channel: number;
  readonly payloadType: number;
  /** Of the first packet. */
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
};

/** See the head of this file. Immutable, shared by all readers. */
export class PacketTrain {
  readonly #bytes: Buffer;
  readonly #packets: readonly { readonly at: number; readonly ticks: number }[];
  /** Bytes of all payloads: what sender reports count. */
  readonly payloadBytes: number;

  /** @param payloads each at most {@link MAX_PACKET_PAYLOAD} bytes */
  constructor(payloads: readonly Payload[]) {
    const sizes = payloads.map(({ pieces }) => pieces.reduce((sum, piece) => sum + piece.length, 0));
    this.payloadBytes = sizes.reduce((sum, size) => sum + size, 0);
    const bytes = Buffer.alloc(this.payloadBytes + payloads.length * HEAD_BYTES);
    let at = 0;
    this.#packets = payloads.map(({ pieces, marker, ticks = 0 }, index) => {
      const start = at;
      bytes[at] = DOLLAR;
      bytes.writeUInt16BE(RTP_BYTES + sizes[index]!, at + 2);
      bytes[at + INTERLEAVED_BYTES] = RTP_VERSION_2;
      bytes[at + INTERLEAVED_BYTES + 1] = marker ? MARKER : 0;
      at += HEAD_BYTES;
      for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return { at: start, ticks };
    });
    this.#bytes = bytes;
  }

  /** How many packets. */
  get count(): number {
    return this.#packets.length;
  }

  /** The packets for one reader: new memory. */
  stamped({ channel, payloadType, sequence, timestamp, ssrc }: Stamp): Buffer {
    const bytes = Buffer.from(this.#bytes);
    for (const [index, { at, ticks }] of this.#packets.entries()) {
      bytes[at + 1] = channel;
      bytes[at + 5]! |= payloadType;
      bytes.writeUInt16BE((sequence + index) & 0xffff, at + 6);
      bytes.writeUInt32BE((timestamp + ticks) >>> 0, at + 8);
      bytes.writeUInt32BE(ssrc, at + 12);
    }
    return bytes;
  }
}
