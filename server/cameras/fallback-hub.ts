// One hub out of two sources: the preferred one's frames while they come, else those of the fallback. Viewers stay and
// see a change of size or codec at a key picture.

import type { Clock, Timer } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import { FrameHub, type HubReader } from './frame-hub.ts';

/** A preferred source that is silent for so long is not waited for. Snapshots may come every five seconds. */
export const SILENT_MS = 6000;

/** See the head of this file. Carries frames between `open` and `close`. */
export class FallbackHub {
  readonly hub = new FrameHub();
  readonly #fallback: FrameHub;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #reader: HubReader | null = null;
  #isOpen = false;
  #isPreferred = false;
  #silence: Timer | null = null;
  #lastMs = 0;

  /** @param onChange called when the other source's frames are carried from now on */
  constructor(fallback: FrameHub, clock: Clock, onChange: () => void = () => {}) {
    this.#fallback = fallback;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Whether the frames are those of the preferred source. */
  get isPreferred(): boolean {
    return this.#isPreferred;
  }

  /** Begins with what the fallback has: its newest key picture and all after it. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#follow();
  }

  close(): void {
    this.#isOpen = false;
    this.#reader?.[Symbol.dispose]();
    this.#reader = null;
    this.#leave();
    // Nobody looks: what is kept would only be memory.
    this.hub.clear();
  }

  /** A frame of the preferred source; the first that counts is a key picture. */
  prefer(frame: Frame): void {
    if (!this.#isOpen) return;
    if (frame.kind === 'video') {
      this.#lastMs = this.#clock.monoMs();
      if (!this.#isPreferred && frame.key) this.#take();
    }
    if (this.#isPreferred) this.hub.publish(frame);
  }

  /** The preferred source is away: goes on with the fallback, without a gap. */
  lost(): void {
    if (!this.#isPreferred) return;
    this.#leave();
    if (this.#isOpen) this.#follow();
    this.#onChange();
  }

  #take(): void {
    this.#isPreferred = true;
    this.#reader?.[Symbol.dispose]();
    this.#reader = null;
    this.#watch(SILENT_MS);
    this.#onChange();
  }

  #leave(): void {
    this.#isPreferred = false;
    this.#silence?.cancel();
    this.#silence = null;
  }

  #follow(): void {
    const onFrame = () => this.#pump(reader);
    const reader = this.#fallback.open({ kinds: 'all', policy: 'every', start: 'newestKey', onFrame });
    this.#reader = reader;
    this.#pump(reader);
  }

  #pump(reader: HubReader): void {
    for (let item = reader.poll(); item; item = reader.poll()) this.hub.publish(item.frame);
  }

  /** One timer, looked at when it is due: frames must cost nothing. */
  #watch(afterMs: number): void {
    this.#silence = this.#clock.after(afterMs, () => {
      const leftMs = this.#lastMs + SILENT_MS - this.#clock.monoMs();
      if (leftMs <= 0) this.lost();
      else this.#watch(leftMs);
    });
  }
}
