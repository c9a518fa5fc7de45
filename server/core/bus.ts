// Typed facts in the past tense. Never commands, never frames. A listener that throws harms nobody else.

import type { CameraStatus } from './camera-status.ts';

/** A segment that went; `slug` is its folder, the camera may be gone. */
type SegmentFact = {
  readonly camera: string | null;
  readonly slug: string;
  readonly segment: string;
  readonly start: number;
  readonly end: number;
};

/** Everything that can be heard. Keys are the names of the public event stream. */
export type Facts = {
  'camera.added': { readonly camera: string; readonly slug: string; readonly name: string };
  'camera.changed': { readonly camera: string; readonly slug: string; readonly name: string };
  'camera.removed': { readonly camera: string; readonly slug: string; readonly name: string };
  /** A change of state (connecting, live...), a step of a dial, or numbers now and then while live. */
  'camera.status': { readonly camera: string; readonly slug: string; readonly status: CameraStatus };
  'camera.wentLive': { readonly camera: string; readonly slug: string };
  'camera.lost': {
    readonly camera: string;
    readonly slug: string;
    readonly code: string;
    readonly message: string;
  };
  /** The address followed the camera: found by UID on a new host. */
  'camera.moved': { readonly camera: string; readonly slug: string; readonly host: string };
  /** libx264 stands in for the encoder of the settings; `message` says why. */
  'camera.encoderFellBack': { readonly camera: string; readonly slug: string; readonly message: string };
  'segment.opened': { readonly camera: string; readonly slug: string; readonly start: number };
  'segment.closed': {
    readonly camera: string;
    readonly slug: string;
    readonly segment: string;
    readonly start: number;
    readonly end: number;
    readonly bytes: number;
  };
  'segment.adopted': { readonly camera: string | null; readonly slug: string; readonly segment: string };
  /** A row whose file is gone; the row is removed. */
  'segment.lost': SegmentFact;
  'segment.deleted': SegmentFact;
  /** A file that could not be read was put aside; `file` is its place under the data directory. */
  'segment.quarantined': { readonly slug: string; readonly file: string };
  'recording.failed': {
    readonly camera: string;
    readonly slug: string;
    readonly code: string;
    readonly message: string;
  };
  /** The host's clock was set while a camera was recorded: `stepMs` forward, or back when negative. */
  'recording.clockStepped': { readonly camera: string; readonly slug: string; readonly stepMs: number };
  /** An export is done, or failed. */
  'export.finished': {
    readonly camera: string;
    readonly export: string;
    readonly state: 'done' | 'failed';
  };
  'storage.full': { readonly message: string };
  /** Not mounted, another disk, or read-only: nothing is written there. */
  'storage.missing': { readonly message: string };
  /** The database was damaged and is a new one now, with what could be read of the old. */
  'storage.salvaged': { readonly message: string };
  /** Recording goes on after `storage.full` or `storage.missing`. */
  'storage.cameBack': { readonly message: string };
};

/** The name of a fact. */
export type FactName = keyof Facts;

type Listener<N extends FactName> = (fact: Facts[N], name: N) => void;

/** In-process publish/subscribe. Delivery is synchronous and in order of subscription. */
export class Bus {
  readonly #listeners = new Map<FactName, Set<Listener<FactName>>>();
  readonly #all = new Set<Listener<FactName>>();
  readonly #onError: (error: unknown, name: FactName) => void;

  /** @param onError told when a listener throws; the others are still called */
  constructor(onError: (error: unknown, name: FactName) => void = () => {}) {
    this.#onError = onError;
  }

  publish<N extends FactName>(name: N, fact: Facts[N]): void {
    for (const listener of [...(this.#listeners.get(name) ?? []), ...this.#all]) {
      try {
        listener(fact, name);
      } catch (error) {
        this.#onError(error, name);
      }
    }
  }

  /** Hears one kind of fact; returns the way to stop. */
  on<N extends FactName>(name: N, listener: Listener<N>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    const stored = listener as unknown as Listener<FactName>;
    set.add(stored);
    return () => void set.delete(stored);
  }

  /** Hears everything; returns the way to stop. */
  onAny(listener: Listener<FactName>): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  /** Resolves with the next fact of that name that passes the filter; what tests wait for instead of sleeping. */
  next<N extends FactName>(name: N, filter: (fact: Facts[N]) => boolean = () => true): Promise<Facts[N]> {
    return new Promise((resolve) => {
      const off = this.on(name, (fact) => {
        if (!filter(fact)) return;
        off();
        resolve(fact);
      });
    });
  }
}
