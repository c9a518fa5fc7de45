// Puts the parts of signing in together. One per process; HTTP and RTSP share it.

import type { Clock } from '../core/clock.ts';
import type { KnownPlaceTable } from '../store/known-places.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { TokenTable } from '../store/tokens.ts';
import type { UserTable } from '../store/users.ts';
import { Accounts } from './accounts.ts';
import { ApiTokens } from './api-tokens.ts';
import { Authenticator } from './authenticator.ts';
import { Doors } from './doors.ts';
import { Passwords } from './passwords.ts';
import { Revocations } from './revocations.ts';

/** Who may come in, and who is in. */
export type Auth = {
  readonly authenticator: Authenticator;
  readonly accounts: Accounts;
  readonly apiTokens: ApiTokens;
  readonly revocations: Revocations;
};

/** @param parts the tables of one open database */
export function createAuth(parts: {
  users: UserTable;
  sessions: SessionTable;
  tokens: TokenTable;
  places: KnownPlaceTable;
  clock: Clock;
}): Auth {
  const { users, sessions, tokens, places, clock } = parts;
  const revocations = new Revocations(clock);
  const passwords = new Passwords();
  const doors = new Doors(places, clock);
  const authenticator = new Authenticator({ users, sessions, tokens, passwords, doors, revocations, clock });
  const accounts = new Accounts({ users, sessions, passwords, authenticator, revocations, clock });
  return { authenticator, accounts, apiTokens: new ApiTokens(tokens, revocations, clock), revocations };
}
