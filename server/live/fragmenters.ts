// The fragmenters of all cameras that somebody watches as MP4: one per camera, made for the first viewer, kept a moment
// after the last.

import type { Clock, Timer } from '../core/clock.ts';
import { Fragmenter } from './fragmenter.ts';
import type { LiveCamera } from './live-camera.ts';

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
  readonly #entries = new Map<LiveCamera, Entry>();
  readonly #holds = new Map<LiveCamera, Hold>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  acquire(camera: LiveCamera): FragmentLease {
    const entry = this.#entries.get(camera) ?? { fragmenter: new Fragmenter(camera), users: 0, linger: null };
    this.#entries.set(camera, entry);
    entry.users++;
    entry.linger?.cancel();
    entry.linger = null;
    // A seat in the camera's own hub: this is where viewers are counted.
    const seat = camera.hub.open({ kinds: 'audio', policy: 'newest', start: 'live', viewer: true });
    let held = true;
    return {
      fragmenter: entry.fragmenter,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        seat[Symbol.dispose]();
        if (--entry.users > 0 || this.#entries.get(camera) !== entry) return;
        entry.linger = this.#clock.after(LINGER_MS, () => this.#end(camera));
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
    for (const camera of [...this.#entries.keys()]) {
      if (cameraId !== undefined && camera.id !== cameraId) continue;
      this.#release(camera);
      this.#end(camera);
    }
  }

  #release(camera: LiveCamera): void {
    const hold = this.#holds.get(camera);
    this.#holds.delete(camera);
    hold?.timer.cancel();
    hold?.lease[Symbol.dispose]();
  }

  #end(camera: LiveCamera): void {
    const entry = this.#entries.get(camera);
    if (!entry) return;
    this.#entries.delete(camera);
    entry.linger?.cancel();
    entry.fragmenter[Symbol.dispose]();
  }
}
