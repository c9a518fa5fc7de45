// Reads what ffmpeg's `mpjpeg` writes: a boundary line, header lines, an empty line, the JPEG, a line end. Pure.

const HEAD_END = Buffer.from('\r\n\r\n');
/** More than this before an empty line is not ffmpeg speaking. */
const MAX_HEAD_BYTES = 512;
const MAX_PART_BYTES = 16 * 1024 * 1024;

/** Cuts a byte stream into JPEGs. */
export class MultipartJpegs {
  #pending: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes.
   * @returns the pictures that are whole now; each has its own memory
   * @throws Error when the bytes are not multipart
   */
  push(chunk: Uint8Array): Buffer[] {
    const whole: Buffer[] = [];
    let bytes: Buffer = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : Buffer.from(chunk);
    for (;;) {
      const headEnd = bytes.indexOf(HEAD_END);
      if (headEnd < 0) {
        if (bytes.length > MAX_HEAD_BYTES) throw new Error('No multipart head in ffmpeg output');
        break;
      }
      const head = bytes.toString('latin1', 0, headEnd);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (headEnd > MAX_HEAD_BYTES || !(length > 0 && length <= MAX_PART_BYTES)) {
        throw new Error('Unreadable multipart head in ffmpeg output');
      }
      const start = headEnd + HEAD_END.length;
      if (bytes.length < start + length) break;
      whole.push(Buffer.from(bytes.subarray(start, start + length)));
      bytes = bytes.subarray(start + length);
    }
    this.#pending = bytes;
    return whole;
  }
}
