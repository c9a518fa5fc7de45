// Takes secrets out of recorded traffic, in place and without changing lengths: those that are known, in every form in which
// they travel, and what stands where secrets usually stand. A stream is looked at as a whole, however it was cut into pieces.

import { createHash } from 'node:crypto';

const FILL = 0x78;
/** How much is looked at in one go: a few milliseconds. */
export const WINDOW_BYTES = 64 * 1024;
/** Longest secret with its surroundings that is found whole across two windows. */
const OVERLAP_BYTES = 8 * 1024;
/** Shorter texts occur in pictures by chance; such passwords are found only where passwords stand. */
const MIN_NEEDLE_BYTES = 3;

/**
 * Each matches a prefix that stays and a value that goes. A value ends at a control character: what follows may be the
 * header of the next message. What a window has cut is matched again in the next one, with its beginning already
 * overwritten: so nothing overwritten may pass as a prefix (schemes are named).
 */
const places: readonly RegExp[] = [
  /((?:proxy-)?authorization[ \t]*:[ \t]*(?:(?:basic|digest|bearer|wsse)[ \t]+)?)([\t -~\x80-\xff]+)/gi,
  /(x-wsse[ \t]*:[ \t]*)([\t -~\x80-\xff]+)/gi,
  /((?:set-)?cookie[ \t]*:[ \t]*)([\t -~\x80-\xff]+)/gi,
  /((?:passworddigest|rspauth|response)=")([ !#-~\x80-\xff]+)/gi,
  /(<(?:[a-z0-9]{1,16}:)?(?:devauth|password|passwd|pwd|pass)(?:[ \t][ -;=?-~]{0,256})?>)([\t -;=-~\x80-\xff]+)/gi,
  /((?:password|passwd|pass|pwd|loginpas|loginpass|token|secret|api_?key)["']?[ \t]*[=:][ \t]*["']?)([!#-%(-+\--:=?-\\^-|~\x80-\xff]+)/gi,
  /(:\/\/[!-.0-9;->A-~\x80-\xff]{0,256}:)([!-.0->A-~\x80-\xff]{1,256})(?=@)/g,
];

type Range = readonly [from: number, to: number];

/** See the head of this file. Made for one camera. */
export class Redactor {
  readonly #needles: readonly Buffer[];

  /** @param secrets texts that must not be in the file: passwords, tokens, what drivers derive from them */
  constructor(secrets: readonly string[]) {
    const forms = new Map<string, Buffer>();
    for (const secret of secrets) for (const form of formsOf(secret)) forms.set(form.toString('latin1'), form);
    this.#needles = [...forms.values()].filter((form) => form.length >= MIN_NEEDLE_BYTES);
  }

  /**
   * Overwrites what is secret in one stream.
   * @param pieces follow one another; their bytes are changed
   * @param breathe awaited between windows, so that others get their turn
   */
  async redact(pieces: readonly Uint8Array[], breathe: () => Promise<void> = async () => {}): Promise<void> {
    const starts: number[] = [];
    let total = 0;
    for (const piece of pieces) {
      starts.push(total);
      total += piece.length;
    }
    for (let from = 0; from < total; ) {
      const to = Math.min(total, from + WINDOW_BYTES);
      const window = copyOf(pieces, starts, from, to);
      for (const [start, end] of this.#find(window)) erase(pieces, starts, from + start, from + end);
      if (to === total) break;
      from = to - OVERLAP_BYTES;
      await breathe();
    }
  }

  #find(window: Buffer): Range[] {
    const found: Range[] = [];
    for (const needle of this.#needles) {
      for (let at = window.indexOf(needle); at >= 0; at = window.indexOf(needle, at + 1)) {
        found.push([at, at + needle.length]);
      }
    }
    const text = window.toString('latin1');
    for (const place of places) {
      for (const match of text.matchAll(place)) {
        const start = match.index + match[1]!.length;
        found.push([start, start + match[2]!.length]);
      }
    }
    return found;
  }
}

/** A secret as it may stand in text, URLs, JSON, XML, base64, and as a plain hash. */
function formsOf(secret: string): Buffer[] {
  if (secret === '') return [];
  const utf8 = Buffer.from(secret, 'utf8');
  const hex = utf8.toString('hex');
  const hashes = ['md5', 'sha1', 'sha256'].map((name) => createHash(name).update(utf8).digest('hex'));
  const texts = [
    ...[encodeURIComponent(secret), encodeURIComponent(secret).replaceAll('%20', '+'), percentOf(secret)],
    ...[JSON.stringify(secret).slice(1, -1), xmlOf(secret)],
    ...[hex, ...hashes].flatMap((each) => [each, each.toUpperCase()]),
  ];
  return [
    utf8,
    Buffer.from(secret, 'latin1'),
    Buffer.from(secret, 'utf16le'),
    ...texts.map((text) => Buffer.from(text, 'utf8')),
    ...base64Of(utf8),
    ...base64Of(Buffer.from(secret, 'latin1')),
  ];
}

/** Percent-encoding of everything but letters and digits, lower-case as some clients have it. */
function percentOf(text: string): string {
  return Array.from(Buffer.from(text, 'utf8'), (byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

const xmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
const xmlOf = (text: string) => text.replace(/[&<>"']/g, (each) => xmlEscapes[each]!);

/** The characters that stand for these bytes wherever they begin in a base64 text; those at its edges hold others' bits too. */
function base64Of(bytes: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const inner = text.slice(first, last);
    return inner.length > MIN_NEEDLE_BYTES
      ? [Buffer.from(inner), Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_'))]
      : [];
  });
}

/** Index of the piece that holds a position. */
function pieceAt(starts: readonly number[], position: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

function copyOf(pieces: readonly Uint8Array[], starts: readonly number[], from: number, to: number): Buffer {
  const out = Buffer.alloc(to - from);
  for (let at = pieceAt(starts, from); at < pieces.length && starts[at]! < to; at++) {
    const start = starts[at]!;
    const begin = Math.max(0, from - start);
    const end = Math.min(pieces[at]!.length, to - start);
    if (end > begin) out.set(pieces[at]!.subarray(begin, end), start + begin - from);
  }
  return out;
}

function erase(pieces: readonly Uint8Array[], starts: readonly number[], from: number, to: number): void {
  for (let at = pieceAt(starts, from); at < pieces.length && starts[at]! < to; at++) {
    const start = starts[at]!;
    pieces[at]!.fill(FILL, Math.max(0, from - start), Math.max(0, Math.min(pieces[at]!.length, to - start)));
  }
}
