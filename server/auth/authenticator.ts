// Turns what a client sent (cookie, token, user and password) into a caller, or into nothing.

import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { Token, TokenTable } from '../store/tokens.ts';
import type { User, UserTable } from '../store/users.ts';
import type { Caller } from './caller.ts';
import type { Doors, Origin } from './doors.ts';
import { PASSWORD_LENGTH, type Passwords } from './passwords.ts';
import type { Revocations } from './revocations.ts';
import { hashSecret, isSecret, newSecret } from './secrets.ts';

const DAY_MS = 24 * 3600 * 1000;
/** A session ends this long after its last request... */
export const SESSION_IDLE_MS = 30 * DAY_MS;
/** ...and this long after the sign-in, whatever happens. */
export const SESSION_LIFE_MS = 180 * DAY_MS;
const MAX_SESSIONS_PER_USER = 50;
/** "Last used" is written at most this often: a database write per request would be a waste. */
const TOUCH_EVERY_MS = 60_000;
/** How long a verified Basic password is believed: argon2 per snapshot would cost a core. */
const REMEMBER_MS = 60_000;

/** What {@link Authenticator} works on. */
export type AuthenticatorParts = {
  readonly users: UserTable;
  readonly sessions: SessionTable;
  readonly tokens: TokenTable;
  readonly passwords: Passwords;
  readonly doors: Doors;
  readonly revocations: Revocations;
  readonly clock: Clock;
};

type Remembered = { readonly mac: string; readonly passwordHash: string; readonly untilMs: number };

/** Answers "who is this". One per process. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #macKey = randomBytes(32);
  readonly #remembered = new Map<string, Remembered>();
  readonly #verifying = new Map<string, Promise<User | null>>();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /** The caller of a session cookie, or `null` when it is not, or no longer, good. */
  bySession(secret: string): Caller | null {
    if (!isSecret(secret)) return null;
    const { sessions, users, clock } = this.#parts;
    const session = sessions.get(hashSecret(secret));
    if (!session) return null;
    const now = clock.wallMs();
    const expiresAt = session.createdAt + SESSION_LIFE_MS;
    const user = users.get(session.userId);
    if (!user || now >= expiresAt || now >= session.usedAt + SESSION_IDLE_MS) {
      quietly(() => sessions.remove(session.id));
      return null;
    }
    if (Math.abs(now - session.usedAt) > TOUCH_EVERY_MS) quietly(() => sessions.touch(session.id, now));
    return { ...callerOf(user), kind: 'session', sessionId: session.id, expiresAt };
  }

  /**
   * The caller of an API token, or `null`. A good token is never held up; unknown ones are counted by address.
   * @throws NvrError `rate_limited`
   */
  byToken(secret: string, origin: Origin): Caller | null {
    const caller = this.#findToken(secret);
    if (!caller) this.#parts.doors.unknownToken(secret, origin);
    return caller;
  }

  /**
   * The caller of HTTP Basic: a user and the password, or any name and a token. A password verified once is believed
   * for a minute, until that user changes.
   * @throws NvrError `rate_limited`
   */
  async byBasic(username: string, password: string, origin: Origin): Promise<Caller | null> {
    const token = this.#findToken(password);
    if (token) return token;
    const known = this.#parts.users.byName(username);
    const mac = this.#macOf(username, password);
    const remembered = known && this.#remembered.get(known.id);
    if (remembered && remembered.mac === mac && remembered.passwordHash === known.passwordHash) {
      if (this.#parts.clock.monoMs() < remembered.untilMs) return callerOf(known);
    }
    // Twenty pictures of a dashboard come at once, with the same password: verify it once.
    let verifying = this.#verifying.get(mac);
    if (!verifying) {
      verifying = this.#verify(username, password, origin).finally(() => this.#verifying.delete(mac));
      this.#verifying.set(mac, verifying);
    }
    const user = await verifying;
    if (!user) return null;
    const untilMs = this.#parts.clock.monoMs() + REMEMBER_MS;
    this.#remembered.set(user.id, { mac, passwordHash: user.passwordHash, untilMs });
    return this.#stillCaller(user);
  }

  /**
   * Signs in with a password: a new session, the secret for its cookie, and the one for the device's.
   * @throws NvrError `unauthenticated` (the text does not tell which of the two was wrong), `rate_limited`
   */
  async signIn(
    username: string,
    password: string,
    origin: Origin,
  ): Promise<{ secret: string; device: string; caller: Caller }> {
    const user = await this.#verify(username, password, origin);
    const caller = user && this.#stillCaller(user);
    if (!user || !caller) throw new NvrError('unauthenticated', 'The user name or the password is wrong');
    const { sessions, revocations, clock } = this.#parts;
    const now = clock.wallMs();
    sessions.removeOld(now - SESSION_LIFE_MS, now - SESSION_IDLE_MS);
    const secret = newSecret();
    const id = hashSecret(secret);
    const session = { id, userId: user.id, createdAt: now, usedAt: now, address: origin.address };
    const dropped = sessions.add(session, MAX_SESSIONS_PER_USER);
    if (dropped.length > 0)
      revocations.revoke((other) => other.sessionId !== null && dropped.includes(other.sessionId));
    const device = this.#parts.doors.deviceOf(user, origin);
    return { secret, device, caller: { ...caller, kind: 'session', sessionId: id, expiresAt: now + SESSION_LIFE_MS } };
  }

  /** Ends one session and everything open under it. */
  signOut(caller: Caller): void {
    const { sessionId } = caller;
    if (sessionId === null) return;
    this.#parts.sessions.remove(sessionId);
    this.#parts.revocations.revoke((other) => other.sessionId === sessionId);
  }

  /** Forgets a remembered password; called at any change of that user. */
  forget(userId: string): void {
    this.#remembered.delete(userId);
  }

  #findToken(secret: string): Caller | null {
    if (!isSecret(secret)) return null;
    const { tokens, users, clock } = this.#parts;
    const token = tokens.byHash(hashSecret(secret));
    const owner = token && users.get(token.userId);
    if (!owner) return null;
    const now = clock.wallMs();
    if (token.expiresAt !== null && now >= token.expiresAt) return null;
    if (token.usedAt === null || Math.abs(now - token.usedAt) > TOUCH_EVERY_MS)
      quietly(() => tokens.touch(token.id, now));
    return tokenCaller(token, owner);
  }

  async #verify(username: string, password: string, origin: Origin): Promise<User | null> {
    const { users, passwords, doors } = this.#parts;
    const attempt = await doors.begin(username.slice(0, PASSWORD_LENGTH.max), users.byName(username), origin);
    const user = users.byName(username); // again: the try may have waited for its turn
    let right = false;
    try {
      right = password.length <= PASSWORD_LENGTH.max && (await passwords.verify(user?.passwordHash ?? null, password));
    } finally {
      if (right) attempt.succeeded();
      else attempt.failed();
    }
    if (!right || !user) return null;
    doors.remember(user, origin);
    return user;
  }

  /** The caller for a user whose password was verified, unless the user changed in the meantime. */
  #stillCaller(verified: User): Caller | null {
    const user = this.#parts.users.get(verified.id);
    return user && user.passwordHash === verified.passwordHash ? callerOf(user) : null;
  }

  #macOf(username: string, password: string): string {
    return createHmac('sha256', this.#macKey).update(`${username.length}:${username}${password}`).digest('base64');
  }
}

/** Notes that may fail: on a full disk everybody must still be able to come in and make room. */
function quietly(write: () => void): void {
  try {
    write();
  } catch {
    // The next request tries again; whoever must write says that the disk is full.
  }
}

function callerOf(user: User): Caller {
  return {
    kind: 'password',
    userId: user.id,
    tokenId: null,
    sessionId: null,
    username: user.username,
    scope: user.role,
    cameras: user.role === 'admin' ? null : user.cameras,
    expiresAt: null,
  };
}

/** A token's rights: what it was given, cut down to what its maker may do now. */
function tokenCaller(token: Token, owner: User): Caller {
  const limit = callerOf(owner);
  return {
    ...limit,
    kind: 'token',
    tokenId: token.id,
    scope: token.scope === 'admin' && limit.scope !== 'admin' ? 'viewer' : token.scope,
    cameras: both(token.cameras, limit.cameras),
    expiresAt: token.expiresAt,
  };
}

function both(a: readonly string[] | null, b: readonly string[] | null): readonly string[] | null {
  if (a === null) return b;
  return b === null ? a : a.filter((id) => b.includes(id));
}
