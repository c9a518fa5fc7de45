// A JPEG writer that needs no ffmpeg: one grey level per block of 8x8 pixels, one tint for the whole picture. Enough for a
// moving bar and a big counter, real to every decoder: baseline, 4:2:0, the standard Huffman tables (ITU-T T.81, Annex K).

/** A picture of blocks. `levels` are 0 (black) to 255, row by row, `columns * rows` of them. */
export type BlockPicture = {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly levels: Uint8Array;
  /** Blue and red difference, 0 to 255; 128 is grey. */
  readonly tint: readonly [number, number];
  /** Comment segments, each at most {@link MAX_COMMENT_BYTES}. */
  readonly comments: readonly Uint8Array[];
};

/** Pixels of one block's side. */
export const BLOCK_PIXELS = 8;
/** Most bytes of one comment segment. */
export const MAX_COMMENT_BYTES = 65533;

/** With a DC step of 8 the coefficient is the block's mean minus 128. */
const QUANTIZER_STEP = 8;
const MIDDLE_LEVEL = 128;
/** Blocks of one unit of the scan: 2x2 of brightness, then one of each color. */
const UNIT_BLOCKS = 2;

const DC_LUMINANCE = '0000010501010101010100000000000000000102030405060708090a0b';
const DC_CHROMINANCE = '0100030101010101010101010000000000000102030405060708090a0b';
const AC_LUMINANCE =
  '100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16' +
  '1718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a' +
  '92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2' +
  'f3f4f5f6f7f8f9fa';
const AC_CHROMINANCE =
  '1100020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434' +
  'e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788' +
  '898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2' +
  'f3f4f5f6f7f8f9fa';

/** A Huffman code: its bits and how many they are. */
type Code = readonly [value: number, bits: number];
type Codes = { readonly categories: readonly Code[]; readonly end: Code };
const codes = (...texts: string[]): Code[] => texts.map((text) => [Number.parseInt(text, 2), text.length]);

/** Codes of the DC categories 0 to 8, as the tables above give them, and of "end of block". */
const luminance: Codes = {
  categories: codes('00', '010', '011', '100', '101', '110', '1110', '11110', '111110'),
  end: [0b1010, 4],
};
const chrominance: Codes = {
  categories: codes('00', '01', '10', '110', '1110', '11110', '111110', '1111110', '11111110'),
  end: [0b00, 2],
};

function segment(marker: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xff00 | marker, 0);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Bits to bytes; a byte FF is followed by 00, as the scan demands. */
class BitWriter {
  readonly #bytes: Buffer;
  #used = 0;
  #pending = 0;
  #count = 0;

  constructor(maxBytes: number) {
    this.#bytes = Buffer.alloc(maxBytes);
  }

  /** At most 16 bits at a time. */
  put(value: number, bits: number): void {
    this.#pending = (this.#pending << bits) | value;
    this.#count += bits;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = (this.#pending >> this.#count) & 0xff;
      this.#bytes[this.#used++] = byte;
      if (byte === 0xff) this.#bytes[this.#used++] = 0;
    }
    this.#pending &= (1 << this.#count) - 1;
  }

  /** The bytes, the last one filled with ones. */
  end(): Buffer {
    if (this.#count > 0) this.put((1 << (8 - this.#count)) - 1, 8 - this.#count);
    return this.#bytes.subarray(0, this.#used);
  }
}

/** Writes the difference between two DC values, then "end of block". */
function putBlock(writer: BitWriter, difference: number, table: Codes): void {
  const category = 32 - Math.clz32(Math.abs(difference));
  const [prefix, prefixBits] = table.categories[category]!;
  writer.put(prefix, prefixBits);
  // A negative difference is written as its ones' complement.
  if (category > 0) writer.put(difference > 0 ? difference : difference + (1 << category) - 1, category);
  writer.put(...table.end);
}

function scan(picture: BlockPicture): Buffer {
  const unitColumns = Math.ceil(picture.width / (BLOCK_PIXELS * UNIT_BLOCKS));
  const unitRows = Math.ceil(picture.height / (BLOCK_PIXELS * UNIT_BLOCKS));
  // A block takes at most 6 + 8 + 4 bits; every byte may need stuffing.
  const writer = new BitWriter(unitColumns * unitRows * (UNIT_BLOCKS * UNIT_BLOCKS + 2) * 6 + 16);
  const levelAt = (column: number, row: number) =>
    picture.levels[Math.min(row, picture.rows - 1) * picture.columns + Math.min(column, picture.columns - 1)]!;
  let previous = 0;
  const previousTint = [0, 0];
  for (let unit = 0; unit < unitColumns * unitRows; unit++) {
    const column = (unit % unitColumns) * UNIT_BLOCKS;
    const row = Math.floor(unit / unitColumns) * UNIT_BLOCKS;
    for (let block = 0; block < UNIT_BLOCKS * UNIT_BLOCKS; block++) {
      const value = levelAt(column + (block % UNIT_BLOCKS), row + Math.floor(block / UNIT_BLOCKS)) - MIDDLE_LEVEL;
      putBlock(writer, value - previous, luminance);
      previous = value;
    }
    for (const [index, tint] of picture.tint.entries()) {
      const value = tint - MIDDLE_LEVEL;
      putBlock(writer, value - previousTint[index]!, chrominance);
      previousTint[index] = value;
    }
  }
  return writer.end();
}

/** The picture as a whole JPEG file. Width and height need not be multiples of the block. */
export function encodeBlockJpeg(picture: BlockPicture): Buffer {
  const frame = Buffer.from('080000000003012200021100031100', 'hex');
  frame.writeUInt16BE(picture.height, 1);
  frame.writeUInt16BE(picture.width, 3);
  const quantizers = Buffer.alloc(65, QUANTIZER_STEP);
  quantizers[0] = 0;
  return Buffer.concat([
    Buffer.from('ffd8', 'hex'),
    segment(0xe0, Buffer.from('4a46494600010100000100010000', 'hex')),
    ...picture.comments.map((comment) => segment(0xfe, comment)),
    segment(0xdb, quantizers),
    segment(0xc0, frame),
    segment(0xc4, Buffer.from(DC_LUMINANCE + DC_CHROMINANCE + AC_LUMINANCE + AC_CHROMINANCE, 'hex')),
    segment(0xda, Buffer.from('03010002110311003f00', 'hex')),
    scan(picture),
    Buffer.from('ffd9', 'hex'),
  ]);
}
