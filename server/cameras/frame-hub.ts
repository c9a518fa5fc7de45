// The meeting point of one camera: a bounded ring of recent frames. The writer never waits; every reader has its own
// cursor and is told what it missed. Frames are shared, never copied.

import type { AudioFrame, Frame, VideoFrame } from '../core/frame.ts';

/** Hard ceiling of one ring, whatever the pre-roll says: a camera must not fill the memory. */
export const HUB_MAX_BYTES = 64 * 1024 * 1024;
/** Kept even without pre-roll, so that a reader may be late by a moment without losing a frame. */
export const HUB_MIN_SPAN_MS = 1000;
const HUB_MAX_FRAMES = 8192;
/** Dead entries at the front of the array before it is cut; keeps `publish` free of moving memory. */
const COMPACT_AT = 512;

/** `newest` jumps over frames (pictures on a screen); `every` takes all in order (recorder, sound). */
export type ReadPolicy = 'newest' | 'every';

/**
 * Where a reader begins. `live`: the next frame published. `newest`: the newest frame there is, at once.
 * `newestKey`: the newest key picture and all after it. `sinceMonoMs`: the last key picture at or before that moment of the
 * monotonic clock (or the oldest in the ring), and all after it: pre-roll.
 */
export type ReadStart = 'live' | 'newest' | 'newestKey' | { readonly sinceMonoMs: number };

/** Options of {@link FrameHub.open}. */
export type ReaderOptions = {
  readonly kinds: 'video' | 'audio' | 'all';
  readonly policy: ReadPolicy;
  readonly start: ReadStart;
  /** Counted in `status.viewers`. */
  readonly viewer?: boolean;
  /** Called synchronously after each publish that concerns this reader; poll from it. Must not throw. */
  readonly onFrame?: () => void;
};

/** One frame handed to a reader. */
export type HubItem = {
  readonly frame: Frame;
  /** Position in the hub; grows by one per published frame of any kind. */
  readonly seq: number;
  /** Frames of the wanted kinds that this reader did not get since its last item. */
  readonly missed: number;
};

/** A frame in the ring. `videos` counts the pictures published up to and with this one: what was missed is exact. */
type Entry = { readonly seq: number; readonly videos: number; readonly frame: Frame };
type PictureEntry = Entry & { readonly frame: VideoFrame };
type SoundEntry = Entry & { readonly frame: AudioFrame };
type Kinds = ReaderOptions['kinds'];

/** Where a reader is. `seen` counts frames of its kinds before the cursor, handed out or reported as missed. */
type Cursor = { nextSeq: number; seen: number; seenVideos: number; needsKey: boolean };

const isKey = (frame: Frame) => frame.kind === 'video' && frame.key;
const isWanted = (kinds: Kinds, frame: Frame) => kinds === 'all' || frame.kind === kinds;

/** Frames of the wanted kinds published before this entry. */
function countBefore({ seq, videos, frame }: Entry, kinds: Kinds): number {
  if (kinds === 'all') return seq - 1;
  if (kinds === 'video') return frame.kind === 'video' ? videos - 1 : videos;
  return frame.kind === 'audio' ? seq - videos - 1 : seq - videos;
}

/** One reader's cursor. Dispose it, or it counts as a viewer for ever. */
export class HubReader implements Disposable {
  readonly options: ReaderOptions;
  readonly #hub: FrameHub;
  readonly #cursor: Cursor;
  #waiters: (() => void)[] = [];
  #closed = false;
  /** Frames skipped so far, for statistics. */
  missedTotal = 0;

  /** Made by {@link FrameHub.open} only. */
  constructor(hub: FrameHub, options: ReaderOptions, cursor: Cursor) {
    this.#hub = hub;
    this.options = options;
    this.#cursor = cursor;
  }

  /** The next frame by this reader's policy, or `null` when it has seen all. Never waits. */
  poll(): HubItem | null {
    if (this.#closed) return null;
    const cursor = this.#cursor;
    const entry = this.#hub.take(cursor, this.options);
    if (!entry) return null;
    const before = countBefore(entry, this.options.kinds);
    const missed = Math.max(0, before - cursor.seen);
    cursor.seen = before + 1;
    this.missedTotal += missed;
    return { frame: entry.frame, seq: entry.seq, missed };
  }

  /** Resolves when a frame may be there or the reader is closed; `cancelled` by the signal resolves too. */
  wait(signal?: AbortSignal): Promise<void> {
    if (this.#closed || signal?.aborted || this.#hub.lastSeq >= this.#cursor.nextSeq) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        signal?.removeEventListener('abort', done);
        this.#waiters = this.#waiters.filter((waiter) => waiter !== done);
        resolve();
      };
      this.#waiters.push(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** All frames from here on, until the signal aborts or the reader is closed. */
  async *items(signal?: AbortSignal): AsyncGenerator<HubItem> {
    while (!this.#closed && !signal?.aborted) {
      const item = this.poll();
      if (item) yield item;
      else await this.wait(signal);
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Called by the hub after a publish. */
  wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.options.onFrame?.();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hub.forget(this);
    for (const waiter of this.#waiters) waiter();
  }
}

/** Ring of recent frames with any number of readers. Survives the sessions that feed it. */
export class FrameHub {
  /** Evicted places hold `undefined`, so that a frame's bytes are free as soon as it leaves the ring. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #lastSeq = 0;
  #videos = 0;
  #spanMs: number;
  #newestVideo: PictureEntry | null = null;
  #newestAudio: SoundEntry | null = null;
  readonly #readers = new Set<HubReader>();
  #viewers = 0;
  readonly #onReaders: (() => void) | undefined;
  readonly #onReaderError: ((error: unknown) => void) | undefined;

  /**
   * @param spanMs how much of the past to keep, at least {@link HUB_MIN_SPAN_MS}
   * @param onReaders called when the number of readers changed (an encoder starts and stops by it)
   * @param onReaderError told when a reader's `onFrame` threw; that reader is closed, the others go on
   */
  constructor(spanMs = HUB_MIN_SPAN_MS, onReaders?: () => void, onReaderError?: (error: unknown) => void) {
    this.#spanMs = Math.max(HUB_MIN_SPAN_MS, spanMs);
    this.#onReaders = onReaders;
    this.#onReaderError = onReaderError;
  }

  /** Sequence number of the newest frame; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Readers opened with `viewer: true`. */
  get viewers(): number {
    return this.#viewers;
  }

  /** All readers. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Bytes of frames in the ring. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The newest picture, kept through outages; `null` before the first. */
  get newestVideo(): PictureEntry | null {
    return this.#newestVideo;
  }

  /** The newest block of sound, kept through outages (it tells the format); `null` before the first. */
  get newestAudio(): SoundEntry | null {
    return this.#newestAudio;
  }

  /** Changes how much of the past is kept. */
  setSpan(spanMs: number): void {
    this.#spanMs = Math.max(HUB_MIN_SPAN_MS, spanMs);
    this.#evict();
  }

  /** Adds a frame and wakes the readers. Never waits, never throws for a reader's sake. */
  publish(frame: Frame): void {
    if (frame.kind === 'video') this.#videos++;
    const entry: Entry = { seq: ++this.#lastSeq, videos: this.#videos, frame };
    this.#entries.push(entry);
    this.#bytes += frame.data.byteLength;
    if (frame.kind === 'video') this.#newestVideo = entry as PictureEntry;
    else this.#newestAudio = entry as SoundEntry;
    this.#evict();
    for (const reader of this.#readers) {
      if (!isWanted(reader.options.kinds, frame)) continue;
      try {
        reader.wake();
      } catch (error) {
        reader[Symbol.dispose]();
        this.#onReaderError?.(error);
      }
    }
  }

  /** A new reader. Dispose it. */
  open(options: ReaderOptions): HubReader {
    const reader = new HubReader(this, options, this.#startAt(options));
    this.#readers.add(reader);
    if (options.viewer) this.#viewers++;
    this.#onReaders?.();
    return reader;
  }

  /** The oldest entry's wall-clock time, or `null` when the ring is empty. */
  get oldestAt(): number | null {
    return this.#entries[this.#head]?.frame.at ?? null;
  }

  /** Forgets the past: who begins to read now gets nothing that was there before. */
  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /** For {@link HubReader} only: the next entry by policy; moves the cursor behind it, or to the end when there is none. */
  take(cursor: Cursor, { kinds, policy }: ReaderOptions): Entry | null {
    if (cursor.nextSeq > this.#lastSeq) return null;
    const entry = policy === 'newest' ? this.#newest(kinds) : this.#following(cursor, kinds);
    const found = entry && entry.seq >= cursor.nextSeq ? entry : null;
    // Without a find there is nothing wanted up to here: the reader may wait, and must not be told of these again.
    cursor.nextSeq = (found?.seq ?? this.#lastSeq) + 1;
    return found;
  }

  /** For {@link HubReader} only. */
  forget(reader: HubReader): void {
    if (!this.#readers.delete(reader)) return;
    if (reader.options.viewer) this.#viewers--;
    this.#onReaders?.();
  }

  #newest(kinds: Kinds): Entry | null {
    if (kinds === 'video') return this.#newestVideo;
    return kinds === 'audio' ? this.#newestAudio : (this.#entries.at(-1) ?? null);
  }

  /** The next wanted entry; after a lost picture a coded stream is taken up again only at a key picture. */
  #following(cursor: Cursor, kinds: Kinds): Entry | null {
    const firstSeq = this.#entries[this.#head]?.seq ?? this.#lastSeq + 1;
    for (let i = this.#head + Math.max(0, cursor.nextSeq - firstSeq); i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      if (!isWanted(kinds, entry.frame)) continue;
      if (entry.frame.kind === 'video') {
        if (entry.videos - 1 > cursor.seenVideos) cursor.needsKey = true;
        cursor.seenVideos = entry.videos;
        if (cursor.needsKey && !entry.frame.key) continue;
        cursor.needsKey = false;
      }
      return entry;
    }
    return null;
  }

  #startAt({ kinds, policy, start }: ReaderOptions): Cursor {
    const entry = start === 'live' ? null : this.#startEntry(kinds, policy, start);
    if (entry) {
      const seenVideos = countBefore(entry, 'video');
      return { nextSeq: entry.seq, seen: countBefore(entry, kinds), seenVideos, needsKey: false };
    }
    const seen = kinds === 'all' ? this.#lastSeq : kinds === 'video' ? this.#videos : this.#lastSeq - this.#videos;
    const needsKey = start === 'newestKey' || typeof start === 'object';
    return { nextSeq: this.#lastSeq + 1, seen, seenVideos: this.#videos, needsKey };
  }

  /** The entry that a reader begins with, or `null` to begin with the next one published. */
  #startEntry(kinds: Kinds, policy: ReadPolicy, start: Exclude<ReadStart, 'live'>): Entry | null {
    if (start === 'newest') {
      const entry = kinds === 'audio' ? this.#newestAudio : this.#newestVideo;
      const inRing = entry && entry.seq >= (this.#entries[this.#head]?.seq ?? Number.POSITIVE_INFINITY);
      return policy === 'newest' || inRing ? entry : null;
    }
    // Pictures from before an outage are no pre-roll.
    const newestMonoMs = this.#newestVideo?.frame.monoMs ?? Number.NEGATIVE_INFINITY;
    if (typeof start === 'object' && kinds !== 'audio' && newestMonoMs < start.sinceMonoMs) return null;
    let best: Entry | null = null;
    for (let i = this.#entries.length - 1; i >= this.#head; i--) {
      const entry = this.#entries[i]!;
      if (kinds === 'audio' ? entry.frame.kind !== 'audio' : !isKey(entry.frame)) continue;
      best = entry;
      if (start === 'newestKey' || entry.frame.monoMs <= start.sinceMonoMs) break;
    }
    return best;
  }

  /** Drops from the front, whole groups of pictures at a time, never the newest entry. */
  #evict(): void {
    const horizon = (this.#entries.at(-1)?.frame.monoMs ?? 0) - this.#spanMs;
    for (;;) {
      const full = this.#bytes > HUB_MAX_BYTES || this.#entries.length - this.#head > HUB_MAX_FRAMES;
      const next = this.#nextStart(full);
      if (next < 0 || !(full || this.#entries[next]!.frame.monoMs <= horizon)) break;
      for (; this.#head < next; this.#head++) {
        this.#bytes -= this.#entries[this.#head]!.frame.data.byteLength;
        this.#entries[this.#head] = undefined;
      }
    }
    if (this.#head > COMPACT_AT && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Index where the ring could start instead of its head: the next key picture; -1 when it must stay as it is. */
  #nextStart(full: boolean): number {
    const last = this.#entries.length - 1;
    if (last <= this.#head) return -1;
    let needed = false; // a picture that cannot be decoded without what is before it
    for (let i = this.#head + 1; i <= last; i++) {
      const frame = this.#entries[i]!.frame;
      if (isKey(frame)) return i;
      needed ||= frame.kind === 'video';
    }
    // No key picture follows: sound goes one by one, also behind a last picture (a camera whose video stopped).
    if (!needed) return this.#head + 1;
    return full ? last : -1;
  }
}
