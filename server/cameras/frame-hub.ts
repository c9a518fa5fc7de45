// The meeting point of one camera: a bounded ring of recent frames. The writer never waits; every reader has its own
// cursor and is told what it missed. Frames are shared, never copied.

import type { Frame } from '../core/frame.ts';

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
 * `newestKey`: the newest key picture and all after it. `since`: the last key picture at or before that wall-clock time
 * (or the oldest in the ring), and all after it: pre-roll.
 */
export type ReadStart = 'live' | 'newest' | 'newestKey' | { readonly since: number };

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

type Entry = { readonly seq: number; readonly frame: Frame };

const isKey = (frame: Frame) => frame.kind === 'video' && frame.key;

/** One reader's cursor. Dispose it, or it counts as a viewer for ever. */
export class HubReader implements Disposable {
  readonly options: ReaderOptions;
  readonly #hub: FrameHub;
  #nextSeq: number;
  #waiters: (() => void)[] = [];
  #closed = false;
  /** Frames skipped so far, for statistics. */
  missedTotal = 0;

  /** Made by {@link FrameHub.open} only. */
  constructor(hub: FrameHub, options: ReaderOptions, nextSeq: number) {
    this.#hub = hub;
    this.options = options;
    this.#nextSeq = nextSeq;
  }

  /** The next frame by this reader's policy, or `null` when it has seen all. Never waits. */
  poll(): HubItem | null {
    if (this.#closed) return null;
    const found = this.#hub.find(this.options.kinds, this.options.policy, this.#nextSeq);
    if (!found) return null;
    this.#nextSeq = found.seq + 1;
    this.missedTotal += found.missed;
    return found;
  }

  /** Resolves when a frame may be there or the reader is closed; `cancelled` by the signal resolves too. */
  wait(signal?: AbortSignal): Promise<void> {
    if (this.#closed || signal?.aborted || this.#hub.lastSeq >= this.#nextSeq) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        signal?.removeEventListener('abort', done);
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
    const waiters = this.#waiters;
    if (waiters.length > 0) {
      this.#waiters = [];
      for (const waiter of waiters) waiter();
    }
    this.options.onFrame?.();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hub.forget(this);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** Ring of recent frames with any number of readers. Survives the sessions that feed it. */
export class FrameHub {
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;
  #lastSeq = 0;
  #spanMs: number;
  #newestVideo: Entry | null = null;
  readonly #readers = new Set<HubReader>();
  #viewers = 0;
  readonly #onDemand: (() => void) | undefined;

  /**
   * @param spanMs how much of the past to keep, at least {@link HUB_MIN_SPAN_MS}
   * @param onReaders called when the number of readers changed (an encoder starts and stops by it)
   */
  constructor(spanMs = HUB_MIN_SPAN_MS, onReaders?: () => void) {
    this.#spanMs = Math.max(HUB_MIN_SPAN_MS, spanMs);
    this.#onDemand = onReaders;
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

  /** Bytes of frames held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The newest picture, kept through outages; `null` before the first. */
  get newestVideo(): (Entry & { readonly frame: Frame & { kind: 'video' } }) | null {
    return this.#newestVideo as (Entry & { readonly frame: Frame & { kind: 'video' } }) | null;
  }

  /** Changes how much of the past is kept. */
  setSpan(spanMs: number): void {
    this.#spanMs = Math.max(HUB_MIN_SPAN_MS, spanMs);
    this.#evict();
  }

  /** Adds a frame and wakes the readers. Never waits, never throws for a reader's sake. */
  publish(frame: Frame): void {
    const entry: Entry = { seq: ++this.#lastSeq, frame };
    this.#entries.push(entry);
    this.#bytes += frame.data.byteLength;
    if (frame.kind === 'video') this.#newestVideo = entry;
    this.#evict();
    for (const reader of this.#readers) {
      if (reader.options.kinds === 'all' || reader.options.kinds === frame.kind) reader.wake();
    }
  }

  /** A new reader. Dispose it. */
  open(options: ReaderOptions): HubReader {
    const reader = new HubReader(this, options, this.#startSeq(options.start));
    this.#readers.add(reader);
    if (options.viewer) this.#viewers++;
    this.#onDemand?.();
    return reader;
  }

  /** The oldest entry's wall-clock time, or `null` when the ring is empty. */
  get oldestAt(): number | null {
    return this.#entries[this.#head]?.frame.at ?? null;
  }

  /** For {@link HubReader} only: the next entry from `fromSeq` on by policy. */
  find(kinds: ReaderOptions['kinds'], policy: ReadPolicy, fromSeq: number): HubItem | null {
    if (fromSeq > this.#lastSeq) return null;
    const first = this.#entries[this.#head];
    if (!first) return null;
    const newest = this.#newestVideo;
    if (policy === 'newest' && kinds === 'video' && newest && newest.seq < first.seq && newest.seq >= fromSeq) {
      return { ...newest, missed: 0 }; // sound alone has pushed the last picture out of the ring
    }
    const wanted = (frame: Frame) => kinds === 'all' || frame.kind === kinds;
    if (policy === 'newest') {
      let missed = Math.max(0, first.seq - fromSeq);
      let best: Entry | null = null;
      for (let i = this.#entries.length - 1; i >= this.#head; i--) {
        const entry = this.#entries[i]!;
        if (entry.seq < fromSeq) break;
        if (!wanted(entry.frame)) continue;
        if (best) missed++;
        else best = entry;
      }
      return best && { ...best, missed };
    }
    let index = this.#head + Math.max(0, fromSeq - first.seq);
    const lost = Math.max(0, first.seq - fromSeq);
    // After a gap a coded stream can only be taken up at a key picture; sound alone can go on at once.
    if (lost > 0 && kinds !== 'audio') {
      while (index < this.#entries.length && !isKey(this.#entries[index]!.frame)) index++;
    }
    while (index < this.#entries.length && !wanted(this.#entries[index]!.frame)) index++;
    const entry = this.#entries[index];
    return entry ? { ...entry, missed: lost } : null;
  }

  /** For {@link HubReader} only. */
  forget(reader: HubReader): void {
    if (!this.#readers.delete(reader)) return;
    if (reader.options.viewer) this.#viewers--;
    this.#onDemand?.();
  }

  #startSeq(start: ReadStart): number {
    if (start === 'live') return this.#lastSeq + 1;
    if (start === 'newest') return this.#newestVideo?.seq ?? this.#lastSeq;
    let fallback = this.#lastSeq + 1;
    for (let i = this.#entries.length - 1; i >= this.#head; i--) {
      const { seq, frame } = this.#entries[i]!;
      if (!isKey(frame)) continue;
      fallback = seq;
      if (start === 'newestKey' || frame.at <= start.since) return seq;
    }
    return fallback;
  }

  /** Drops from the front, whole groups of pictures at a time, never the newest entry. */
  #evict(): void {
    const horizon = (this.#entries.at(-1)?.frame.monoMs ?? 0) - this.#spanMs;
    for (;;) {
      const full = this.#bytes > HUB_MAX_BYTES || this.#entries.length - this.#head > HUB_MAX_FRAMES;
      const next = this.#nextStart(full);
      if (next < 0 || !(full || this.#entries[next]!.frame.monoMs <= horizon)) break;
      for (; this.#head < next; this.#head++) this.#bytes -= this.#entries[this.#head]!.frame.data.byteLength;
    }
    if (this.#head > COMPACT_AT && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Index where the ring could start instead of its head: the next key picture; -1 when it must stay as it is. */
  #nextStart(full: boolean): number {
    let hasVideo = this.#entries[this.#head]?.frame.kind === 'video';
    for (let i = this.#head + 1; i < this.#entries.length; i++) {
      const frame = this.#entries[i]!.frame;
      if (isKey(frame)) return i;
      hasVideo ||= frame.kind === 'video';
    }
    const last = this.#entries.length - 1;
    if (last <= this.#head) return -1;
    if (!hasVideo) return this.#head + 1;
    return full ? last : -1;
  }
}
