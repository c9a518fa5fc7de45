// For whom does a try count? Strangers share fifteen a minute for an account, whatever their addresses; an address or a
// browser from which that person signed in during the last 30 days has fifteen of its own, so that strangers cannot lock
// the owner out. All doors (session, Basic, token, WebSocket) count here.

import { isIPv6 } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { KnownPlaceTable, Place } from '../store/known-places.ts';
import type { User } from '../store/users.ts';
import { type Attempt, Attempts } from './attempts.ts';
import { hashSecret, isSecret, newSecret } from './secrets.ts';

const HOUR_MS = 3600 * 1000;
/** A place is known for this long after the last sign-in there. */
export const KNOWN_FOR_MS = 30 * 24 * HOUR_MS;
/** "Last sign-in" is written at most this often. */
const NOTE_EVERY_MS = HOUR_MS;
/** IPv6 users own a /64 at least, so that is one address. */
const IPV6_PREFIX_GROUPS = 4;

/** From where somebody tries. `device` is the secret of the browser's device cookie, as sent: hostile. */
export type Origin = { readonly address: string; readonly device?: string | undefined };

/** The bounds on guessing, and the places that people are known to use. */
export class Doors {
  readonly #clock: Clock;
  readonly #places: KnownPlaceTable;
  readonly #attempts: Attempts;

  constructor(places: KnownPlaceTable, clock: Clock) {
    this.#places = places;
    this.#clock = clock;
    this.#attempts = new Attempts(clock);
  }

  /**
   * Begins a try for an account.
   * @param user the account's owner, or `null` when there is no such account: it costs and answers the same
   * @throws NvrError `rate_limited`
   */
  begin(account: string, user: User | null, origin: Origin): Promise<Attempt> {
    const known = user && placesOf(origin).find((place) => this.#knows(user.id, place));
    if (known) return this.#attempts.begin([`${known.kind} ${user.id} ${known.place}`]);
    return this.#attempts.begin([`stranger ${addressKey(origin.address)}`, `account ${account.toLowerCase()}`]);
  }

  /** Counts an unknown token; each one once. @throws NvrError `rate_limited` */
  unknownToken(token: string, origin: Origin): void {
    this.#attempts.note(`stranger ${addressKey(origin.address)}`, hashSecret(token));
  }

  /** The right password was given from there. */
  remember(user: User, origin: Origin): void {
    for (const place of placesOf(origin)) this.#note(user, place);
  }

  /** The device secret for somebody who has just signed in: the one that was sent if anybody is known by it, else a new one. */
  deviceOf(user: User, { device }: Origin): string {
    const known = device !== undefined && isSecret(device) && this.#places.isKnown(devicePlace(device), this.#oldest());
    const secret = known ? device : newSecret();
    this.#note(user, devicePlace(secret));
    return secret;
  }

  #knows(userId: string, place: Place): boolean {
    const usedAt = this.#places.usedAt(userId, place);
    return usedAt !== null && usedAt >= this.#oldest();
  }

  #oldest(): number {
    return Math.round(this.#clock.wallMs() - KNOWN_FOR_MS);
  }

  /** Notes may fail: on a full disk everybody must still be able to come in and make room. */
  #note(user: User, place: Place): void {
    const now = Math.round(this.#clock.wallMs());
    const usedAt = this.#places.usedAt(user.id, place);
    if (usedAt !== null && Math.abs(now - usedAt) < NOTE_EVERY_MS) return;
    try {
      this.#places.put(user.id, place, now, this.#oldest());
    } catch {
      // The next sign-in tries again; until then the place is a stranger.
    }
  }
}

const devicePlace = (secret: string): Place => ({ kind: 'device', place: hashSecret(secret) });

/** The device first: behind one address there may be others. */
function placesOf({ address, device }: Origin): Place[] {
  const place: Place = { kind: 'address', place: addressKey(address) };
  return device !== undefined && isSecret(device) ? [devicePlace(device), place] : [place];
}

/** An address as one place: IPv4 (also inside IPv6) whole, IPv6 by its /64. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('%', 1)[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
  }
  return groups.slice(0, IPV6_PREFIX_GROUPS).join(':');
}
