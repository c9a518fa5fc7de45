// The camera's places for clients (section 7.1): the session id is the number of the place.

import type { Endpoint } from '../../net/net.ts';

/** One client on line. */
export type Slot = {
  /** 1 to the number of slots; the session id. */
  readonly session: number;
  /** Where its media goes and where its packets must come from. */
  readonly client: Endpoint;
  /** Bit 0 video, bit 1 audio. */
  mask: number;
  /** When its last packet came, and when something was last sent to it; monotonic. */
  lastHeardMs: number;
  lastSentMs: number;
};

/** How a login found its place. */
export type Claim =
  | { readonly kind: 'full' }
  /** `replaced` had the place before: the same client anew, or one whose place was taken. */
  | { readonly kind: 'placed'; readonly slot: Slot; readonly replaced: Slot | null };

/** Whether both are the same address and port. */
export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address;
}

/** All slots of a camera. */
export class SlotTable {
  readonly #slots: Array<Slot | null>;
  readonly #whenFull: 'refuse' | 'steal';

  constructor(count: number, whenFull: 'refuse' | 'steal') {
    this.#slots = new Array<Slot | null>(count).fill(null);
    this.#whenFull = whenFull;
  }

  /** The clients on line. */
  get live(): Slot[] {
    return this.#slots.filter((slot) => slot !== null);
  }

  /** The slot whose client has that address and port. */
  of(client: Endpoint): Slot | null {
    return this.#slots.find((slot) => slot !== null && isSameEndpoint(slot.client, client)) ?? null;
  }

  /** A login: the same client gets its own slot again, cleared; others the first free one. */
  claim(client: Endpoint, nowMs: number): Claim {
    let index = this.#slots.findIndex((slot) => slot !== null && isSameEndpoint(slot.client, client));
    if (index < 0) index = this.#slots.indexOf(null);
    if (index < 0 && this.#whenFull === 'steal') index = 0;
    if (index < 0) return { kind: 'full' };
    const replaced = this.#slots[index] ?? null;
    const slot: Slot = { session: index + 1, client, mask: 0, lastHeardMs: nowMs, lastSentMs: nowMs };
    this.#slots[index] = slot;
    return { kind: 'placed', slot, replaced };
  }

  /** Frees a slot; false when it was not there any more. */
  free(slot: Slot): boolean {
    const index = this.#slots.indexOf(slot);
    if (index < 0) return false;
    this.#slots[index] = null;
    return true;
  }
}
