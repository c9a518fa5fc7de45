// What a sender says in RTCP (RFC 3550 section 6): which RTP time is which wall-clock time, and goodbye.

const VERSION_2 = 0x80;
const SENDER_REPORT = 200;
const SOURCE_DESCRIPTION = 202;
const BYE = 203;
const CNAME = 1;
const SENDER_REPORT_BYTES = 28;
const BYE_BYTES = 8;
/** Between 1900 and 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;
const U32 = 2 ** 32;

/** A report of one source. */
export type SenderReport = {
  readonly ssrc: number;
  /** Wall-clock time, epoch milliseconds, and the same moment on the RTP clock. */
  readonly wallMs: number;
  readonly timestamp: number;
  readonly packets: number;
  readonly bytes: number;
  /** The same for all sources that belong together. */
  readonly cname: string;
};

/** A sender report and the source description that must go with it. */
export function encodeSenderReport({ ssrc, wallMs, timestamp, packets, bytes, cname }: SenderReport): Uint8Array {
  const name = Buffer.from(cname, 'latin1').subarray(0, 255);
  // The item, its end, and zeros up to a word.
  const chunkBytes = Math.ceil((4 + 2 + name.length + 1) / 4) * 4;
  const report = Buffer.alloc(SENDER_REPORT_BYTES + 4 + chunkBytes);
  const seconds = Math.floor(wallMs / 1000);
  report[0] = VERSION_2;
  report[1] = SENDER_REPORT;
  report.writeUInt16BE(SENDER_REPORT_BYTES / 4 - 1, 2);
  report.writeUInt32BE(ssrc, 4);
  report.writeUInt32BE((seconds + NTP_EPOCH_SECONDS) % U32, 8);
  report.writeUInt32BE(Math.floor((wallMs / 1000 - seconds) * U32) % U32, 12);
  report.writeUInt32BE(timestamp >>> 0, 16);
  report.writeUInt32BE(packets % U32, 20);
  report.writeUInt32BE(bytes % U32, 24);
  const at = SENDER_REPORT_BYTES;
  report[at] = VERSION_2 | 1;
  report[at + 1] = SOURCE_DESCRIPTION;
  report.writeUInt16BE(chunkBytes / 4, at + 2);
  report.writeUInt32BE(ssrc, at + 4);
  report[at + 8] = CNAME;
  report[at + 9] = name.length;
  report.set(name, at + 10);
  return report;
}

/** The source ends. */
export function encodeBye(ssrc: number): Uint8Array {
  const bye = Buffer.alloc(BYE_BYTES);
  bye[0] = VERSION_2 | 1;
  bye[1] = BYE;
  bye.writeUInt16BE(1, 2);
  bye.writeUInt32BE(ssrc, 4);
  return bye;
}
