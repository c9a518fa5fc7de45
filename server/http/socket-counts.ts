// How many WebSockets one address may hold, and how many of them before they have said who they are.

import { addressKey } from '../auth/doors.ts';
import { NvrError } from '../core/nvr-error.ts';

/** WebSockets of one address. */
export const MAX_SOCKETS_PER_ADDRESS = 200;
/** Of these, sockets of nobody yet. */
export const MAX_STRANGERS_PER_ADDRESS = 20;

type Count = { sockets: number; strangers: number };

/** One counted socket. Each may be called any number of times. */
export type CountedSocket = { admitted(): void; closed(): void };

/** Open sockets by address. */
export class SocketCounts {
  readonly #counts = new Map<string, Count>();

  /** @throws NvrError `rate_limited` when the address has too many already */
  check(address: string, isStranger: boolean): void {
    const count = this.#counts.get(addressKey(address));
    if (!count) return;
    if (count.sockets < MAX_SOCKETS_PER_ADDRESS && !(isStranger && count.strangers >= MAX_STRANGERS_PER_ADDRESS))
      return;
    throw new NvrError('rate_limited', 'Too many live sockets from this address');
  }

  /** Counts a socket; it is a stranger's until it is admitted. */
  open(address: string): CountedSocket {
    const key = addressKey(address);
    const count = this.#counts.get(key) ?? { sockets: 0, strangers: 0 };
    this.#counts.set(key, count);
    count.sockets++;
    count.strangers++;
    let [isStranger, isOpen] = [true, true];
    const admitted = () => {
      if (isStranger) count.strangers--;
      isStranger = false;
    };
    return {
      admitted,
      closed: () => {
        admitted();
        if (!isOpen) return;
        isOpen = false;
        if (--count.sockets === 0) this.#counts.delete(key);
      },
    };
  }
}
