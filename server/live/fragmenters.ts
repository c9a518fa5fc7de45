// The fragmenters of all cameras that somebody watches as MP4: one per camera, made for the first viewer, kept a moment
// after the last. Viewers that want no sound (the tiles of a grid) have one of their own: sound may cost an encoder.

import type { Clock, Timer } from '../core/clock.ts';
import { Fragmenter } from './fragmenter.ts';
import type { LiveCamera } from './live-camera.ts';
import type { SoundViews } from './sound-view.ts';

/** Kept this long after the last viewer: a reload of a page begins at once. */
export const LINGER_MS = 10_000;
/** An HLS player asks at least every few seconds; without a request for this long it has left. */
const HLS_HOLD_MS = 20_000;

/** A share in a camera's fragments; counts as a viewer of the camera. Dispose it. */
export type FragmentLease = Disposable & { readonly fragmenter: Fragmenter };

type Entry = { readonly fragmenter: Fragmenter; users: number; linger: Timer | null };
type Hold = { readonly lease: FragmentLease; timer: Timer };

/** See the head of this file. */
export class Fragmenters {
  readonly #clock: Clock;
  readonly #sounds: SoundViews;
  readonly #entries = new Map<LiveCamera, Entry>();
  readonly #silent = new Map<LiveCamera, Entry>();
  readonly #holds = new Map<LiveCamera, Hold>();

  constructor(clock: Clock, sounds: SoundViews) {
    this.#clock = clock;
    this.#sounds = sounds;
  }

  /** @param sound `false`: pictures only */
  acquire(camera: LiveCamera, sound = true): FragmentLease {
    const entries = sound ? this.#entries : this.#silent;
    let entry = entries.get(camera);
    if (!entry) entry = { fragmenter: new Fragmenter(camera, sound ? this.#sounds : null), users: 0, linger: null };
    const held = entry;
    entries.set(camera, entry);
    entry.users++;
    entry.linger?.cancel();
    entry.linger = null;
    // A seat in the camera's own hub: this is where viewers are counted.
    const seat = camera.hub.open({ kinds: 'audio', policy: 'newest', start: 'live', viewer: true });
    let isHeld = true;
    return {
      fragmenter: entry.fragmenter,
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        seat[Symbol.dispose]();
        if (--held.users > 0 || entries.get(camera) !== held) return;
        held.linger = this.#clock.after(LINGER_MS, () => endOf(entries, camera));
      },
    };
  }

  /** For readers that come back again and again: held until they have not come for a while. */
  hold(camera: LiveCamera): Fragmenter {
    const known = this.#holds.get(camera);
    known?.timer.cancel();
    const lease = known?.lease ?? this.acquire(camera);
    const timer = this.#clock.after(HLS_HOLD_MS, () => this.#release(camera));
    this.#holds.set(camera, { lease, timer });
    return lease.fragmenter;
  }

  /** The fragmenter of such a reader, without holding it longer; `null` when it was given up. */
  held(camera: LiveCamera): Fragmenter | null {
    return this.#holds.get(camera)?.lease.fragmenter ?? null;
  }

  /** Ends those of one camera (it was removed), or all. */
  end(cameraId?: string): void {
    for (const entries of [this.#entries, this.#silent]) {
      for (const camera of [...entries.keys()]) {
        if (cameraId !== undefined && camera.id !== cameraId) continue;
        this.#release(camera);
        endOf(entries, camera);
      }
    }
  }

  #release(camera: LiveCamera): void {
    const hold = this.#holds.get(camera);
    this.#holds.delete(camera);
    hold?.timer.cancel();
    hold?.lease[Symbol.dispose]();
  }
}

function endOf(entries: Map<LiveCamera, Entry>, camera: LiveCamera): void {
  const entry = entries.get(camera);
  if (!entry) return;
  entries.delete(camera);
  entry.linger?.cancel();
  entry.fragmenter[Symbol.dispose]();
}
