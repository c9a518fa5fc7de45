// Deeds that come in swarms (failed sign-ins, ranges of a file) in the audit trail: the first few of a kind, then their
// number. Otherwise whoever guesses, or plays a recording, could push everything else out of a table that is bounded.

import type { FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { AuditLog } from '../store/audit.ts';
import { type Deed, writeAudit } from './audit-trail.ts';

const WINDOW_MS = 10 * 60_000;
/** Kinds remembered; the oldest are forgotten first. */
const MAX_KINDS = 10_000;

/** What is known of whoever did it: a request, or a client of another door. */
export type Deedful = Pick<FastifyRequest, 'caller' | 'ip' | 'log'>;
type Swarm = { readonly sinceMs: number; written: number; kept: number };

/** See the head of this file. */
export class RepeatedDeeds {
  readonly #audit: AuditLog;
  readonly #clock: Clock;
  readonly #swarms = new Map<string, Swarm>();

  constructor(audit: AuditLog, clock: Clock) {
    this.#audit = audit;
    this.#clock = clock;
  }

  /**
   * Writes the deed, unless it was written `most` times within ten minutes; the next one written says how many were not.
   * @param kind the same for deeds that are the same thing; who and from where is added here
   */
  write(request: Deedful, kind: string, most: number, deed: Deed): void {
    const { caller } = request;
    const key = [kind, deed.username ?? caller?.username, caller?.tokenId, request.ip].join('\n');
    const now = this.#clock.monoMs();
    const known = this.#swarms.get(key);
    const isOver = known !== undefined && now - known.sinceMs >= WINDOW_MS;
    const swarm = known && !isOver ? known : { sinceMs: now, written: 0, kept: 0 };
    this.#swarms.delete(key);
    this.#swarms.set(key, swarm);
    if (this.#swarms.size > MAX_KINDS) this.#swarms.delete(this.#swarms.keys().next().value!);
    if (swarm.written >= most) {
      swarm.kept++;
      return;
    }
    swarm.written++;
    const before = isOver && known.kept > 0 ? `and ${known.kept} more before` : undefined;
    const detail = [deed.detail, before].filter((text) => text !== undefined).join(', ');
    writeAudit(this.#audit, request, { ...deed, ...(detail !== '' && { detail }) });
  }
}
