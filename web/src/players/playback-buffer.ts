// A <video> whose media time is the wall clock: each file is placed where it was recorded, so that any moment can be sought,
// holes are holes, and what is on the screen has its true time. One MediaSource until the tracks change.

import { mediaSource } from './mse-player.ts';
import { type HeadFacts, pictureTimes } from './playback-boxes.ts';
import type { Piece } from './playback-list.ts';

/** How far before its first moment a MediaSource reaches, and behind: media time must not be negative. */
const BEFORE_MS = 12 * 3_600_000;
const LENGTH_MS = 48 * 3_600_000;
/** Chromium plays over holes as small as this by itself. */
const TOUCH_S = 0.05;
/** Pictures closer than this are one that was named twice: lists round to the millisecond. */
const SAME_MS = 2;

export type AppendResult = 'done' | 'otherTracks' | 'full' | 'failed';
type Appended = { readonly piece: Piece; readonly times: readonly number[] };

/** See the head of this file. */
export class PlaybackBuffer {
  readonly #video: HTMLVideoElement;
  readonly #onBroken: () => void;
  readonly #appended = new Map<string, Appended>();
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #base = 0;
  #tracks: string | null = null;
  #mime = '';
  #head: string | null = null;
  /** Media time of the wall clock's begin of the current file. */
  #offset = 0;
  #url: string | null = null;
  #ended = false;
  /** Ends every wait for the browser: after `stop` some of its events never come. */
  readonly #releases = new Set<() => void>();

  constructor(video: HTMLVideoElement, onBroken: () => void) {
    this.#video = video;
    this.#onBroken = onBroken;
    // iPhones offer their kind of MediaSource only to videos that cannot be sent to a television.
    video.disableRemotePlayback = true;
  }

  /** Whether a moment lies in reach of this MediaSource. */
  reaches(at: number): boolean {
    return this.#source?.readyState === 'open' && at >= this.#base && at < this.#base + LENGTH_MS;
  }

  mediaOf(at: number): number {
    return (at - this.#base) / 1000;
  }

  wallOf(seconds: number): number {
    return this.#base + seconds * 1000;
  }

  /** Lets go of the element for good: another buffer may have it. */
  end(): void {
    this.#ended = true;
    this.stop();
  }

  /** Resolves with an event of the browser, or when this MediaSource is given up. */
  #wait(target: EventTarget, event: string, begin: () => void): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        target.removeEventListener(event, done);
        this.#releases.delete(done);
        resolve();
      };
      target.addEventListener(event, done);
      this.#releases.add(done);
      begin();
    });
  }

  /** A new MediaSource around a moment; the old pictures are gone. */
  async reset(at: number): Promise<void> {
    if (this.#ended) return;
    this.stop();
    const Kind = mediaSource();
    if (!Kind) return;
    const source = new Kind();
    this.#source = source;
    this.#base = Math.floor(at) - BEFORE_MS;
    this.#video.onerror = () => {
      if (this.#source === source) this.#onBroken();
    };
    const url = URL.createObjectURL(source);
    this.#url = url;
    await this.#wait(source, 'sourceopen', () => {
      this.#video.src = url;
    });
    if (this.#source !== source || source.readyState !== 'open') return;
    source.duration = LENGTH_MS / 1000;
  }

  stop(): void {
    for (const release of this.#releases) release();
    this.#source = null;
    this.#buffer = null;
    this.#tracks = null;
    this.#head = null;
    this.#mime = '';
    this.#appended.clear();
    this.#video.onerror = null;
    if (this.#url === null) return;
    URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  /** Whether a piece was put in and is still there, as long as it is now known to be. */
  has(piece: Piece): boolean {
    const known = this.#appended.get(piece.key);
    return known !== undefined && known.piece.to >= piece.to - 1 && known.piece.range === piece.range;
  }

  /** Puts a piece in place. */
  async append(piece: Piece, head: Uint8Array<ArrayBuffer>, facts: HeadFacts, bytes: Uint8Array<ArrayBuffer>) {
    const source = this.#source;
    if (source?.readyState !== 'open') return 'failed';
    // A buffer takes only files with as many tracks as its first one had.
    const tracks = facts.hasSound ? 'video, sound' : 'video';
    if (this.#tracks !== null && this.#tracks !== tracks) return 'otherTracks' satisfies AppendResult;
    try {
      const times = pictureTimes(bytes, facts);
      const [first] = times;
      if (first === undefined) return 'failed';
      if (!this.#buffer) {
        this.#buffer = source.addSourceBuffer(facts.mime);
        this.#tracks = tracks;
        this.#mime = facts.mime;
      }
      const buffer = this.#buffer;
      const name = `${piece.head.url} ${piece.head.range ?? ''}`;
      if (this.#head !== name) {
        if (this.#mime !== facts.mime && 'changeType' in buffer) buffer.changeType(facts.mime);
        this.#mime = facts.mime;
        this.#offset = this.mediaOf(piece.from) - first;
        buffer.timestampOffset = this.#offset;
        await this.#append(buffer, head);
        this.#head = name;
      }
      await this.#append(buffer, bytes);
      if (this.#source !== source) return 'failed';
      this.#note(
        piece,
        times.map((time) => this.wallOf(time + this.#offset)),
      );
      return 'done';
    } catch (error) {
      this.#head = null;
      return error instanceof DOMException && error.name === 'QuotaExceededError' ? 'full' : 'failed';
    }
  }

  /** What is put where something was takes its place: a file that is closed meanwhile comes again under its new name. */
  #note(piece: Piece, times: readonly number[]): void {
    const [from, to] = [times[0]! - SAME_MS, times.at(-1)! + SAME_MS];
    for (const [key, old] of this.#appended) {
      if (!old.times.some((time) => time >= from && time <= to)) continue;
      this.#appended.set(key, { ...old, times: old.times.filter((time) => time < from || time > to) });
    }
    this.#appended.set(piece.key, { piece, times });
  }

  async #append(buffer: SourceBuffer, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    let broken = false;
    const note = () => {
      broken = true;
    };
    buffer.addEventListener('error', note);
    try {
      await this.#wait(buffer, 'updateend', () => buffer.appendBuffer(bytes));
    } finally {
      buffer.removeEventListener('error', note);
    }
    if (broken || this.#buffer !== buffer) throw new Error('The browser did not take it');
  }

  /** Takes away everything outside a span. */
  async keep(from: number, to: number): Promise<void> {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source?.readyState !== 'open') return;
    for (const [key, { piece }] of this.#appended) if (piece.from < from || piece.to > to) this.#appended.delete(key);
    const remove = async (start: number, end: number) => {
      if (end > start && this.#buffer === buffer)
        await this.#wait(buffer, 'updateend', () => buffer.remove(start, end));
    };
    const { buffered } = buffer;
    if (buffered.length === 0) return;
    // From the edges of whole pieces: a piece that lost its key picture is of no use.
    const kept = [...this.#appended.values()].map(({ piece }) => piece);
    if (kept.length === 0) return remove(0, LENGTH_MS / 1000);
    await remove(0, this.mediaOf(Math.min(...kept.map((piece) => piece.from))) - TOUCH_S);
    await remove(this.mediaOf(Math.max(...kept.map((piece) => piece.to))) + TOUCH_S, LENGTH_MS / 1000);
  }

  /** The buffered stretch that holds a moment; holes too small to see count as filled. */
  stretchAt(at: number): { readonly from: number; readonly to: number } | null {
    const { buffered } = this.#video;
    const seconds = this.mediaOf(at);
    for (let n = 0; n < buffered.length; n++) {
      if (buffered.start(n) <= seconds + TOUCH_S && buffered.end(n) > seconds) {
        return { from: this.wallOf(buffered.start(n)), to: this.wallOf(buffered.end(n)) };
      }
    }
    return null;
  }

  /** Where the next buffered stretch after a moment begins. */
  nextStretch(at: number): number | null {
    const { buffered } = this.#video;
    const seconds = this.mediaOf(at);
    for (let n = 0; n < buffered.length; n++) if (buffered.start(n) > seconds) return this.wallOf(buffered.start(n));
    return null;
  }

  /** When each buffered picture was taken, sorted. */
  pictures(): number[] {
    return [...this.#appended.values()].flatMap(({ times }) => times).sort((a, b) => a - b);
  }
}
