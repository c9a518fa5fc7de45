// Finds the pieces to play: reads the playlists around what is wanted, over holes as long as they may be, and again at the
// live edge, where they grow.

import { chooseWindow, type Piece, PieceList, settledSpan } from './playback-list.ts';
import type { PlaybackSource } from './playback-source.ts';

/** Closer to now than this there may be more to come. */
const EDGE_MS = 6000;
const EDGE_RELOAD_MS = 1000;
/** After the last recording: how often it is looked for a newer one. */
const LOOK_MS = 2000;
/** So close to the end of the newest piece what follows is wanted. */
const END_MS = 120;
const MAX_LOOKS = 8;
const BEFORE_MS = 60_000;
/** A picture before this one. */
const PICTURE_MS = 1;

/** See the head of this file. */
export class PlaybackFinder {
  readonly #source: PlaybackSource;
  readonly #now: () => number;
  readonly #onFailed: (message: string) => void;
  readonly #list = new PieceList();
  readonly #givenUp = new Set<string>();
  #loads = 0;
  #edgeLoadedAt = 0;
  #waits = false;
  /** Nothing was recorded after this moment when it was last looked. */
  #lastLook = { at: 0, lookedAt: 0 };

  /** @param onFailed hears why nothing could be read */
  constructor(source: PlaybackSource, now: () => number, onFailed: (message: string) => void) {
    this.#source = source;
    this.#now = now;
    this.#onFailed = onFailed;
  }

  /** Whether the last answer was `null` only because it was asked too soon again. */
  get waits(): boolean {
    return this.#waits;
  }

  /** The piece at a moment or after it, as far as it is known. */
  known(at: number): Piece | null {
    return this.#list.at(at);
  }

  /** Where the known piece that holds a moment ends; the moment itself in a hole. */
  endOf(at: number): number {
    const piece = this.#list.at(at);
    return piece && piece.from <= at ? piece.to : at;
  }

  drop(piece: Piece): void {
    this.#list.drop(piece.key);
  }

  /**
   * A piece that cannot be had: perhaps its file got another name, so the list is read again, once; then it is passed over.
   * @returns whether to go on at once
   */
  giveUp(piece: Piece): boolean {
    this.#list.drop(piece.key);
    if (this.#givenUp.has(piece.key)) return true;
    this.#givenUp.add(piece.key);
    this.#list.forget({ from: piece.from, to: piece.to });
    return false;
  }

  /** The piece at a moment or the next one; `null`: there is none yet, or it cannot be told now. */
  async locate(from: number): Promise<Piece | null> {
    let at = from;
    let asked: number | null = null;
    this.#waits = false;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const piece = this.#list.at(at);
      const known = this.#list.knownUntil(at);
      const isEdge = piece !== null && piece.to > this.#now() - 2 * EDGE_MS;
      if (piece && (piece.from <= at || piece.from <= known) && !(isEdge && at > piece.to - END_MS)) return piece;
      if (known <= at) {
        if (asked === at || !(await this.#load(at))) return piece && piece.from <= at ? piece : null;
        asked = at;
        continue;
      }
      const { at: lastAt, lookedAt } = this.#lastLook;
      if (lastAt <= known && this.#now() - lookedAt < LOOK_MS) return null;
      const next = await this.#source.next(known);
      if (!next.ok) return this.#fail(next.message);
      if (next.value === null) {
        this.#lastLook = { at: known, lookedAt: this.#now() };
        return null;
      }
      at = Math.max(known, next.value);
    }
    return null;
  }

  async locateBefore(at: number): Promise<Piece | null> {
    if (this.#list.knownSince(at) > at - 1000) {
      const span = { from: at - BEFORE_MS, to: at + 1 };
      const reply = await this.#source.list(span.from, span.to);
      if (!reply.ok) return this.#fail(reply.message);
      this.#list.add({ from: span.from, to: at }, reply.value);
    }
    const inside = this.#list.at(at - PICTURE_MS);
    return inside && inside.from < at - PICTURE_MS ? inside : this.#list.before(at);
  }

  /**
   * The piece with the picture after (or before) the one at a moment, when those in place do not have it. A picture may be
   * longer than any slack, and lists round: only what is in place says where one piece ends.
   */
  async beside(at: number, direction: 1 | -1, isInPlace: (piece: Piece) => boolean): Promise<Piece | null> {
    const look = (moment: number) => (direction > 0 ? this.locate(moment + PICTURE_MS) : this.locateBefore(moment));
    const piece = await look(at);
    return piece && isInPlace(piece) ? look(direction > 0 ? piece.to : piece.from) : piece;
  }

  /** Reads the window that begins at a moment. @returns whether more is known now */
  async #load(at: number): Promise<boolean> {
    const now = this.#now();
    if (at > now - 2 * EDGE_MS) {
      this.#waits = now - this.#edgeLoadedAt < EDGE_RELOAD_MS;
      if (this.#waits) return false;
      this.#edgeLoadedAt = now;
    }
    const window = chooseWindow(at, this.#loads++, now);
    const reply = await this.#source.list(window.from, window.to);
    if (!reply.ok) {
      this.#onFailed(reply.message);
      return false;
    }
    this.#list.add(settledSpan(window, reply.value, now, EDGE_MS), reply.value);
    return true;
  }

  #fail(message: string): null {
    this.#onFailed(message);
    return null;
  }
}
