// Plays MP4 fragments in a <video> with little delay: appends them one after the other, runs slightly faster when it is
// behind, jumps when it is far behind, and forgets what was seen.

import { decodeEnd, type HeadFacts, parseHead } from './playback-boxes.ts';

type Source = typeof MediaSource;

/** What this browser has: MediaSource, on iPhones ManagedMediaSource, or nothing. */
export function mediaSource(): Source | null {
  const { MediaSource: plain, ManagedMediaSource: managed } = globalThis as unknown as Record<
    string,
    Source | undefined
  >;
  return plain ?? managed ?? null;
}

/** Whether it plays that; `false` without MediaSource. */
export function playsType(mime: string): boolean {
  return mediaSource()?.isTypeSupported(mime) ?? false;
}

type Work =
  | { readonly kind: 'format'; readonly mime: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer>; readonly done: () => void };

// Seconds. A little is always needed before the player's head; above the second it hurries, above the third it jumps. It
// begins with a jump: what comes first reaches back to the newest key picture.
const AHEAD_S = 0.1;
const HURRY_ABOVE_S = 0.2;
const JUMP_ABOVE_S = 2;
const HURRY = { little: 1.08, much: 1.25, muchAbove: 0.8 } as const;
const KEEP_S = 6;
const FORGET_ABOVE_S = 12;

export type MseEvents = {
  /** A picture is on the screen. */
  readonly onPicture: () => void;
  /** It does not go on: a damaged stream, or a decoder that gave up. Make another player. */
  readonly onBroken: () => void;
};

/** What to do about the delay: a position to jump to, or a speed. Pure. */
export function follow(
  at: number,
  start: number,
  end: number,
): { readonly jumpTo: number } | { readonly rate: number } {
  const behind = end - at;
  if (at < start || behind > JUMP_ABOVE_S || behind < -AHEAD_S) return { jumpTo: Math.max(start, end - AHEAD_S) };
  if (behind > HURRY.muchAbove) return { rate: HURRY.much };
  return { rate: behind > HURRY_ABOVE_S ? HURRY.little : 1 };
}

/** How many tracks a type names. */
const tracksOf = (mime: string) => mime.split(',').length;

/** One life of a <video>: made for it, stopped for good. */
export class MsePlayer {
  readonly #video: HTMLVideoElement;
  readonly #events: MseEvents;
  readonly #work: Work[] = [];
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #appending: (() => void) | null = null;
  #stopped = false;
  #begun = false;
  #tracks = 0;
  /** Of what comes next; `null`: the next bytes are one. */
  #head: HeadFacts | null = null;
  /** With B-frames there are pictures of later, and those before them are still to come. */
  #decodedTo = Number.POSITIVE_INFINITY;

  constructor(video: HTMLVideoElement, events: MseEvents) {
    this.#video = video;
    this.#events = events;
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    video.onerror = () => this.#broken();
    this.#watchPictures();
  }

  /** The fragments from here on are of that type. @returns whether this browser plays it */
  format(mime: string): boolean {
    if (!playsType(mime)) return false;
    this.#work.push({ kind: 'format', mime });
    if (!this.#source) this.#open();
    this.#next();
    return true;
  }

  /** Resolves when the bytes were taken (or dropped): acknowledge then. */
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((done) => {
      this.#work.push({ kind: 'bytes', bytes, done });
      this.#next();
    });
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const video = this.#video;
    video.onerror = null;
    if (video.src) URL.revokeObjectURL(video.src);
    video.removeAttribute('src');
    video.load();
    this.#appending?.();
    for (const work of this.#work.splice(0)) if (work.kind === 'bytes') work.done();
  }

  #open(): void {
    const Kind = mediaSource();
    if (!Kind) return;
    const source = new Kind();
    this.#source = source;
    source.onsourceopen = () => this.#next();
    this.#video.src = URL.createObjectURL(source);
  }

  #reopen(): void {
    URL.revokeObjectURL(this.#video.src);
    this.#buffer = null;
    this.#begun = false;
    this.#open();
  }

  #next(): void {
    const source = this.#source;
    if (this.#stopped || this.#appending || source?.readyState !== 'open' || this.#buffer?.updating) return;
    const work = this.#work.shift();
    if (!work) return;
    try {
      if (work.kind === 'format') {
        // A buffer keeps its number of tracks for life: sound that begins or ends needs a new source.
        if (this.#buffer && tracksOf(work.mime) !== this.#tracks) {
          this.#work.unshift(work);
          this.#reopen();
          return;
        }
        this.#tracks = tracksOf(work.mime);
        this.#head = null;
        this.#decodedTo = Number.POSITIVE_INFINITY;
        this.#changeType(source, work.mime);
        this.#next();
        return;
      }
      this.#read(work.bytes);
      this.#appending = work.done;
      this.#buffer?.appendBuffer(work.bytes);
    } catch {
      this.#broken();
    }
  }

  #read(bytes: Uint8Array): void {
    if (this.#head) this.#decodedTo = decodeEnd(bytes, this.#head) ?? this.#decodedTo;
    else this.#head = parseHead(bytes);
  }

  #changeType(source: MediaSource, mime: string): void {
    if (this.#buffer) {
      this.#buffer.changeType(mime);
      return;
    }
    this.#buffer = source.addSourceBuffer(mime);
    this.#buffer.onerror = () => this.#broken();
    this.#buffer.onupdateend = () => {
      this.#appending?.();
      this.#appending = null;
      if (!this.#stopped && !this.#forget()) {
        this.#follow();
        this.#next();
      }
    };
  }

  #follow(): void {
    const video = this.#video;
    const { buffered } = video;
    const last = buffered.length - 1;
    if (last < 0) return;
    const end = Math.min(buffered.end(last), this.#decodedTo);
    const step = follow(video.currentTime, buffered.start(last), end);
    if (!this.#begun) {
      this.#begun = true;
      video.currentTime = Math.max(buffered.start(last), end - AHEAD_S);
    } else if ('jumpTo' in step) video.currentTime = step.jumpTo;
    else if (video.playbackRate !== step.rate) video.playbackRate = step.rate;
    if (video.paused) void video.play().catch(() => {});
  }

  /** Takes away what was seen long ago. @returns whether it is at it */
  #forget(): boolean {
    const buffer = this.#buffer;
    const at = this.#video.currentTime;
    if (!buffer || buffer.buffered.length === 0 || at - buffer.buffered.start(0) < FORGET_ABOVE_S) return false;
    buffer.remove(0, at - KEEP_S);
    return true;
  }

  #watchPictures(): void {
    const video = this.#video;
    if (!('requestVideoFrameCallback' in video)) {
      (video as HTMLVideoElement).ontimeupdate = () => this.#events.onPicture();
      return;
    }
    const shown = () => {
      if (this.#stopped) return;
      this.#events.onPicture();
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }

  #broken(): void {
    if (this.#stopped) return;
    this.stop();
    this.#events.onBroken();
  }
}
