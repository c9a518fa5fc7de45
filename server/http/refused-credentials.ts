// Credentials that were refused, whatever the door, as entries of the audit trail.

import type { Accounts } from '../auth/accounts.ts';
import type { Deedful, RepeatedDeeds } from './repeated-deeds.ts';

/** Entries in ten minutes for one name and address; then they are only counted. */
const MOST = 5;

/** What is told of each refusal: the name that was given (`null` for a token), and why. */
export type OnRefused = (request: Deedful, username: string | null, reason: 'wrong' | 'limited') => void;

/** Writes `session.refused`, `session.limited`, `token.refused`, `token.limited`. */
export function auditRefusals(deeds: RepeatedDeeds, accounts: Pick<Accounts, 'named'>): OnRefused {
  return (request, username, reason) => {
    const action = `${username === null ? 'token' : 'session'}.${reason === 'wrong' ? 'refused' : 'limited'}`;
    // People type their password into the field for the name: names that nobody has are not written down.
    const shown = username !== null && accounts.named(username) !== null ? username : '(unknown)';
    deeds.write(request, action, MOST, { action, username: shown });
  };
}
