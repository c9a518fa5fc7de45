// Walks a JPEG as its bytes arrive and says where it ends: by segment lengths, then from marker to marker through the scan.
// So a thumbnail inside a segment does not end a picture, and no byte is looked at twice.

const MARKER = 0xff;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const TEM = 0x01;
const isRestart = (byte: number) => byte >= 0xd0 && byte <= 0xd7;

/** `more`: not at the end yet. `broken`: no JPEG; the next picture may begin at `at` or after it. */
export type JpegScanResult = { readonly kind: 'more' | 'end' | 'broken'; readonly at: number };

/** The place of one picture's walk. Offsets count from its SOI. */
export class JpegScan {
  #at = 2;
  #jumpedFrom = 0;
  #inScan = false;

  /**
   * Goes on as far as the bytes reach.
   * @param bytes the picture from its SOI on, as much as there is; longer at each call
   */
  next(bytes: Buffer): JpegScanResult {
    for (;;) {
      const step = this.#inScan ? this.#throughScan(bytes) : this.#overSegment(bytes);
      if (step) return step;
    }
  }

  #throughScan(bytes: Buffer): JpegScanResult | null {
    const marker = bytes.indexOf(MARKER, this.#at);
    if (marker < 0 || marker + 1 >= bytes.length) {
      this.#at = marker < 0 ? bytes.length : marker;
      return { kind: 'more', at: this.#at };
    }
    const kind = bytes[marker + 1]!;
    if (kind === 0 || isRestart(kind)) this.#at = marker + 2;
    else if (kind === MARKER) this.#at = marker + 1;
    else {
      this.#at = marker;
      this.#inScan = false;
    }
    return null;
  }

  #overSegment(bytes: Buffer): JpegScanResult | null {
    const at = this.#at;
    if (at + 2 > bytes.length) return { kind: 'more', at };
    const kind = bytes[at + 1]!;
    // The length of the segment before was wrong: what it jumped over may hold a picture.
    if (bytes[at] !== MARKER) return { kind: 'broken', at: this.#jumpedFrom + 2 };
    if (kind === EOI) return { kind: 'end', at: at + 2 };
    if (kind === SOI || kind === 0) return { kind: 'broken', at };
    if (kind === MARKER) {
      this.#at = at + 1;
      return null;
    }
    if (kind === TEM || isRestart(kind)) {
      this.#at = at + 2;
      return null;
    }
    if (at + 4 > bytes.length) return { kind: 'more', at };
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return { kind: 'broken', at };
    if (at + 2 + length > bytes.length) return { kind: 'more', at };
    this.#jumpedFrom = at;
    this.#at = at + 2 + length;
    this.#inScan = kind === SOS;
    return null;
  }
}
