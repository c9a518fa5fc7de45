// Changes to people. Every change of a person ends what was open under their old rights.

import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { Role, User, UserTable } from '../store/users.ts';
import type { Authenticator } from './authenticator.ts';
import { PASSWORD_LENGTH, type Passwords } from './passwords.ts';
import type { Revocations } from './revocations.ts';

/** Longest user name. */
export const MAX_USERNAME_LENGTH = 64;
const MAX_USERS = 1000;

/** What an administrator gives for a new person. */
export type NewUser = {
  readonly username: string;
  readonly password: string;
  readonly role: Role;
  /** Camera ids; `null` means all. */
  readonly cameras: readonly string[] | null;
};

/** What {@link Accounts} works on. */
export type AccountsParts = {
  readonly users: UserTable;
  readonly sessions: SessionTable;
  readonly passwords: Passwords;
  readonly authenticator: Authenticator;
  readonly revocations: Revocations;
  readonly clock: Clock;
};

/** The people who may sign in. */
export class Accounts {
  readonly #parts: AccountsParts;
  #settingUp: Promise<unknown> = Promise.resolve();

  constructor(parts: AccountsParts) {
    this.#parts = parts;
  }

  /** Whether the first administrator is still to be made. */
  get setupRequired(): boolean {
    return !this.#parts.users.any();
  }

  all(): User[] {
    return this.#parts.users.all();
  }

  get(id: string): User | null {
    return this.#parts.users.get(id);
  }

  /** By user name, without regard to case. */
  named(username: string): User | null {
    return this.#parts.users.byName(username);
  }

  /**
   * Makes the first administrator. Of any number of calls, also at once, exactly one succeeds.
   * @throws NvrError `conflict` when there already is a user, `bad_input` naming the field
   */
  setUp(username: string, password: string): Promise<User> {
    // One after the other: a hundred parallel calls then cost one hash, not a hundred.
    const turn = this.#settingUp.then(async () => {
      const done = () => new NvrError('conflict', 'Perch is set up already; sign in instead');
      if (!this.setupRequired) throw done();
      const user = await this.#newUser({ username, password, role: 'admin', cameras: null });
      if (!this.#parts.users.addFirst(user)) throw done();
      return user;
    });
    this.#settingUp = turn.catch(() => {});
    return turn;
  }

  /** @throws NvrError `bad_input` naming the field, `conflict` when the name is taken */
  async add(input: NewUser): Promise<User> {
    if (this.#parts.users.all().length >= MAX_USERS)
      throw new NvrError('conflict', `There are ${MAX_USERS} users already`);
    const user = await this.#newUser(input);
    this.#parts.users.add(user);
    return user;
  }

  /**
   * Changes a user; sessions, remembered passwords and open streams of that user end. A promotion to administrator
   * lifts the limit to certain cameras.
   * @throws NvrError `bad_input`, `conflict` (name taken, last administrator), `not_found`
   */
  async change(id: string, patch: Partial<NewUser>): Promise<User> {
    const { users, passwords, clock } = this.#parts;
    if (!users.get(id)) throw new NvrError('not_found', 'There is no such user');
    if (patch.username !== undefined) checkUsername(patch.username);
    if (patch.password !== undefined) checkPassword(patch.password);
    const passwordHash = patch.password === undefined ? null : await passwords.hash(patch.password);
    const user = users.get(id); // again: hashing took a while
    if (!user) throw new NvrError('not_found', 'There is no such user');
    const role = patch.role ?? user.role;
    const promoted = role === 'admin' && user.role !== 'admin';
    const changed: User = {
      ...user,
      username: patch.username ?? user.username,
      passwordHash: passwordHash ?? user.passwordHash,
      role,
      cameras: patch.cameras !== undefined ? patch.cameras : promoted ? null : user.cameras,
      changedAt: clock.wallMs(),
    };
    checkCameras(changed);
    users.change(changed);
    this.#end(id);
    return changed;
  }

  /** @throws NvrError `conflict` for the last administrator, `not_found` */
  remove(id: string): void {
    this.#parts.users.remove(id);
    this.#end(id);
  }

  #end(userId: string): void {
    this.#parts.sessions.removeOf(userId);
    this.#parts.authenticator.forget(userId);
    this.#parts.revocations.revoke((caller) => caller.userId === userId);
  }

  async #newUser(input: NewUser): Promise<User> {
    checkUsername(input.username);
    checkPassword(input.password);
    checkCameras(input);
    const passwordHash = await this.#parts.passwords.hash(input.password);
    const now = this.#parts.clock.wallMs();
    const { username, role, cameras } = input;
    return { id: newId('usr'), username, passwordHash, role, cameras, createdAt: now, changedAt: now };
  }
}

function bad(message: string): NvrError {
  return new NvrError('bad_input', message);
}

/** A colon would end the name in HTTP Basic; control and invisible characters and outer blanks only deceive people. */
function checkUsername(username: string): void {
  if (username.length === 0 || username.length > MAX_USERNAME_LENGTH) {
    throw bad(`username must have 1 to ${MAX_USERNAME_LENGTH} characters`);
  }
  if (/[:\p{Cc}\p{Cf}\p{Cs}]/u.test(username) || username.trim() !== username) {
    throw bad('username may not hold a colon or invisible characters, nor begin or end with a blank');
  }
}

function checkPassword(password: string): void {
  if (password.length < PASSWORD_LENGTH.min || password.length > PASSWORD_LENGTH.max) {
    throw bad(`password must have ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters`);
  }
}

function checkCameras(user: Pick<User, 'role' | 'cameras'>): void {
  if (user.role === 'admin' && user.cameras !== null) {
    throw bad('cameras must be null for an administrator, who may change everything');
  }
}
