// Passwords to argon2id hashes and back, a few at a time: each costs 19 MB and a core for some tens of milliseconds.

import { hash, verify } from '@node-rs/argon2';
import { NvrError } from '../core/nvr-error.ts';
import { Turns } from '../core/turns.ts';

/** Bounds of a password. The upper one only keeps hashing cheap to refuse. */
export const PASSWORD_LENGTH = { min: 8, max: 256 } as const;

/** Argon2id with the parameters OWASP recommends (19 MiB, 2 passes, 1 lane); the library's defaults, pinned here. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** A hash with these parameters of something random: verified when there is no such user. */
const DECOY = '$argon2id$v=19$m=19456,t=2,p=1$NNuucQs2cDpql8MVblqDzw$xnYvgS9sSpGyzghaba4Qn2eXb3xJEbHFyPW8fSgzp/M';
/** Hashes at once: half of libuv's four threads, so that files and DNS stay quick. */
const MAX_RUNNING = 2;
/** Waiting callers; beyond that Perch says it is busy instead of queueing for seconds. */
const MAX_WAITING = 200;
const BUSY_RETRY_MS = 2000;

/** The library that does the work, or one that counts. */
export type Argon2 = { readonly hash: typeof hash; readonly verify: typeof verify };

/** Hashes and verifies. One per process. */
export class Passwords {
  readonly #argon2: Argon2;
  readonly #turns = new Turns({
    ...{ most: MAX_RUNNING, maxWaiting: MAX_WAITING },
    tooMany: () =>
      new NvrError('rate_limited', 'Too many sign-ins at once; try again in a moment', {
        context: { retryAfterMs: BUSY_RETRY_MS },
      }),
  });

  constructor(argon2: Argon2 = { hash, verify }) {
    this.#argon2 = argon2;
  }

  /** @throws NvrError `rate_limited` when too many are waiting */
  hash(password: string): Promise<string> {
    return this.#turns.run(() => this.#argon2.hash(password.normalize('NFC'), ARGON2));
  }

  /**
   * Whether the password belongs to the hash. With `null` (no such user) it takes as long and answers false, so that
   * the time of an answer does not tell which names exist.
   * @throws NvrError `rate_limited` when too many are waiting
   */
  async verify(passwordHash: string | null, password: string): Promise<boolean> {
    const right = await this.#turns.run(() => this.#argon2.verify(passwordHash ?? DECOY, password.normalize('NFC')));
    return right && passwordHash !== null;
  }
}
