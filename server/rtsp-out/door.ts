// Who is calling on a connection. Credentials are looked at when they are new; what was recognized stays for the connection
// until it is revoked. The bounds on guessing are those of all doors (auth/doors.ts).

import type { Auth } from '../auth/auth.ts';
import { type Caller, maySee } from '../auth/caller.ts';
import { type Credentials, parseAuthorization } from '../auth/credentials.ts';
import type { Camera } from '../cameras/camera.ts';
import type { Fleet } from '../cameras/fleet.ts';
import { isNvrError, NvrError } from '../core/nvr-error.ts';
import type { Target } from './target.ts';

/** Told of refused credentials: from where, the name that was given (`null` for a token), why. */
export type OnRefused = (address: string, username: string | null, reason: 'wrong' | 'limited') => void;

/** What a {@link Door} needs. */
export type DoorOptions = {
  readonly auth: Auth;
  readonly fleet: Fleet;
  /** The client's. */
  readonly address: string;
  readonly onRefused: OnRefused;
  /** The caller's session, token or rights have ended. */
  readonly onRevoked: () => void;
};

/** One connection's. Dispose it. */
export class Door implements Disposable {
  readonly #options: DoorOptions;
  #caller: Caller | null = null;
  #given = '';
  #stopWatching: () => void = () => {};
  /** Times that credentials were not good. */
  refusals = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Whether somebody was recognized. */
  get isKnown(): boolean {
    return this.#caller !== null;
  }

  /**
   * The camera that a request is about.
   * @param authorization its header
   * @throws NvrError `unauthenticated`, `rate_limited`, `not_found` (no such camera, or not for this caller)
   */
  async admit(target: Target, authorization: string | undefined): Promise<Camera> {
    const caller = await this.#identify(authorization, target.credentials);
    if (!caller) throw new NvrError('unauthenticated', 'Sign in first');
    const camera = this.#options.fleet.find(target.camera);
    if (!camera || !maySee(caller, camera.id)) throw new NvrError('not_found', 'There is no such camera');
    return camera;
  }

  [Symbol.dispose](): void {
    this.#stopWatching();
  }

  async #identify(authorization: string | undefined, inAddress: Credentials | null): Promise<Caller | null> {
    const given = authorization === undefined ? inAddress : parseAuthorization(authorization);
    if (!given) return authorization === undefined ? this.#caller : null;
    const key = JSON.stringify(given);
    if (this.#caller && key === this.#given) return this.#caller;
    const { auth, address, onRefused } = this.#options;
    const username = given.kind === 'basic' ? given.username : null;
    let caller: Caller | null;
    try {
      caller =
        given.kind === 'bearer'
          ? auth.authenticator.byToken(given.token, { address })
          : await auth.authenticator.byBasic(given.username, given.password, { address });
    } catch (error) {
      if (isNvrError(error, 'rate_limited')) onRefused(address, username, 'limited');
      throw error;
    }
    if (!caller) {
      this.refusals++;
      onRefused(address, username, 'wrong');
      return null;
    }
    this.#stopWatching();
    this.#caller = caller;
    this.#given = key;
    this.#stopWatching = auth.revocations.onRevoked(caller, () => {
      this.#caller = null;
      this.#options.onRevoked();
    });
    return caller;
  }
}
