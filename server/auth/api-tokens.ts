// Makes, lists and ends API tokens.

import type { Clock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { Token, TokenScope, TokenTable } from '../store/tokens.ts';
import type { Revocations } from './revocations.ts';
import { hashSecret, newSecret } from './secrets.ts';

const MAX_TOKENS = 1000;

/** What is asked for. */
export type NewToken = {
  readonly name: string;
  readonly scope: TokenScope;
  /** Camera ids; `null` means all. */
  readonly cameras: readonly string[] | null;
  /** Epoch milliseconds, in the future; `null`: never. */
  readonly expiresAt: number | null;
};

/** The tokens of all users. */
export class ApiTokens {
  readonly #tokens: TokenTable;
  readonly #revocations: Revocations;
  readonly #clock: Clock;

  constructor(tokens: TokenTable, revocations: Revocations, clock: Clock) {
    this.#tokens = tokens;
    this.#revocations = revocations;
    this.#clock = clock;
  }

  all(): Token[] {
    return this.#tokens.all();
  }

  /** A new token; the secret is returned here and nowhere else. @throws NvrError `bad_input` naming the field, `conflict` */
  add(input: NewToken, userId: string): { token: Token; secret: string } {
    const now = this.#clock.wallMs();
    if (input.expiresAt !== null && input.expiresAt <= now)
      throw new NvrError('bad_input', 'expiresAt must be in the future');
    if (input.scope === 'admin' && input.cameras !== null) {
      throw new NvrError(
        'bad_input',
        'cameras must be null for a token with the scope admin, which may change everything',
      );
    }
    if (this.#tokens.count() >= MAX_TOKENS) throw new NvrError('conflict', `There are ${MAX_TOKENS} tokens already`);
    const secret = newSecret();
    const token: Token = { ...input, id: newId('tok'), hash: hashSecret(secret), userId, createdAt: now, usedAt: null };
    this.#tokens.add(token);
    return { token, secret };
  }

  /** Ends a token and everything open under it. @throws NvrError `not_found` */
  remove(id: string): void {
    if (!this.#tokens.remove(id)) throw new NvrError('not_found', 'There is no such token');
    this.#revocations.revoke((caller) => caller.tokenId === id);
  }
}
