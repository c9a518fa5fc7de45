// What there is to play of one camera: pieces of recordings on the wall clock, read window by window from HLS playlists.
// Pure. A piece begins with a key picture; pieces of one file share its head. Times are epoch milliseconds.

/** Bytes to fetch: a URL, and which of its bytes (`null`: all). */
export type Bytes = { readonly url: string; readonly range: string | null };
export type Piece = Bytes & {
  readonly from: number;
  readonly to: number;
  readonly head: Bytes;
  /** Names the piece also when it has grown since: the last one of an open file does. */
  readonly key: string;
};
type Span = { readonly from: number; readonly to: number };

/** `1024@512` -> `bytes=512-1535`. */
function rangeOf(text: string | undefined): string | null {
  const match = /^(\d+)@(\d+)$/.exec(text ?? '');
  return match ? `bytes=${match[2]}-${Number(match[2]) + Number(match[1]) - 1}` : null;
}

/** The pieces of a playlist as Perch writes them. @param base its own address: URIs are relative to it */
export function parsePlaylist(text: string, base: string): Piece[] {
  const pieces: Piece[] = [];
  let head: Bytes | null = null;
  let at: number | null = null;
  let seconds = 0;
  let range: string | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (!line.startsWith('#')) {
      if (head && at !== null && seconds > 0) {
        const to: number = at + seconds * 1000;
        const url = new URL(line, base).href;
        pieces.push({ url, range, head, from: at, to, key: `${head.url} ${Math.round(at)}` });
        at = to;
      }
      range = null;
      continue;
    }
    const map = /^#EXT-X-MAP:URI="([^"]+)"(?:,BYTERANGE="([^"]+)")?/.exec(line);
    if (map) head = { url: new URL(map[1]!, base).href, range: rangeOf(map[2]) };
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) at = Date.parse(line.slice(25));
    else if (line.startsWith('#EXTINF:')) seconds = Number.parseFloat(line.slice(8));
    else if (line.startsWith('#EXT-X-BYTERANGE:')) range = rangeOf(line.slice(17));
  }
  return pieces;
}

/** Some 18 hours of playing: what lies farther away is read again when it is wanted. */
const MAX_PIECES = 16_000;

/** Pieces that are known, and for which times all of them are. */
export class PieceList {
  #pieces: Piece[] = [];
  #known: Span[] = [];

  /** Takes an answer: these are all pieces that touch the span. */
  add(span: Span, pieces: readonly Piece[]): void {
    const fresh = new Set(pieces.map(({ key }) => key));
    const touches = ({ from, to }: Piece) => from < span.to && to > span.from;
    // Only what lies inside is surely gone when it is not named: at the edges rounding decides.
    const inside = ({ from, to }: Piece) => from >= span.from && to <= span.to;
    const kept = this.#pieces.filter((piece) => !fresh.has(piece.key) && !(touches(piece) && inside(piece)));
    this.#pieces = [...kept, ...pieces].sort((a, b) => a.from - b.from);
    const joined: Span[] = [];
    for (const one of [...this.#known, span].sort((a, b) => a.from - b.from)) {
      const last = joined.at(-1);
      if (last && one.from <= last.to) joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, one.to) };
      else if (one.to > one.from) joined.push(one);
    }
    this.#known = joined;
    if (this.#pieces.length > MAX_PIECES) this.#leaveOut(span.from);
  }

  /** Keeps half of what may be kept, around a moment. */
  #leaveOut(around: number): void {
    const at = this.#pieces.findIndex(({ to }) => to > around);
    const first = Math.max(0, at - MAX_PIECES / 4);
    const kept = this.#pieces.slice(first, first + MAX_PIECES / 2);
    const [from, to] = [kept[0]?.from ?? around, kept.at(-1)?.to ?? around];
    this.#pieces = kept;
    this.forget({ from: Number.NEGATIVE_INFINITY, to: from });
    this.forget({ from: to, to: Number.POSITIVE_INFINITY });
  }

  /** Takes out a piece that cannot be had (any more). */
  drop(key: string): void {
    this.#pieces = this.#pieces.filter((piece) => piece.key !== key);
  }

  /** Forgets that a time was known: ask again. */
  forget({ from, to }: Span): void {
    this.#known = this.#known.flatMap((span) => {
      if (span.to <= from || span.from >= to) return [span];
      const parts = [
        { from: span.from, to: from },
        { from: to, to: span.to },
      ];
      return parts.filter((part) => part.to > part.from);
    });
  }

  /** The piece at a moment, else the next one; `null`: none is known. */
  at(moment: number): Piece | null {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#pieces[middle]!.to > moment) high = middle;
      else low = middle + 1;
    }
    return this.#pieces[low] ?? null;
  }

  /** The piece before the one at a moment. */
  before(moment: number): Piece | null {
    return this.#pieces.findLast(({ to, from }) => to <= moment + 1 && from < moment) ?? null;
  }

  /** Until when everything from a moment on is known; the moment itself when it is not known. */
  knownUntil(moment: number): number {
    return this.#known.find(({ from, to }) => from <= moment && to > moment)?.to ?? moment;
  }

  /** Since when everything up to a moment is known. */
  knownSince(moment: number): number {
    return this.#known.find(({ from, to }) => from < moment && to >= moment)?.from ?? moment;
  }
}

const WINDOW_MIN_MS = 60_000;
const WINDOW_MAX_MS = 30 * 60_000;
const BEFORE_MS = 8000;

/**
 * Which playlist to ask for next. The first one is short, so that the first picture is there soon; each further one is twice
 * as long. A playlist may reach back a little: the piece that holds the moment begins before it.
 */
export function chooseWindow(at: number, loads: number, now: number): Span {
  const length = Math.min(WINDOW_MAX_MS, WINDOW_MIN_MS * 2 ** Math.min(10, loads));
  return { from: at - BEFORE_MS, to: Math.max(at + 1000, Math.min(at + length, now)) };
}

/** Of a window up to the live edge only what is surely complete is known: up to where its last piece begins. */
export function settledSpan(window: Span, pieces: readonly Piece[], now: number, edgeMs: number): Span {
  const last = pieces.at(-1);
  if (window.to < now - edgeMs) return window;
  // The last piece may still grow, and more may follow.
  const until = last && last.to > now - 2 * edgeMs ? last.from : Math.min(window.to, now - edgeMs);
  return { from: window.from, to: Math.max(window.from, until) };
}
