// Writes down what a request did: who, from where, what. Called by routes after the deed.

import type { FastifyRequest } from 'fastify';
import type { AuditLog } from '../store/audit.ts';

/** What was done. `target`: the thing's name; `detail`: names of changed fields or a reason, never values. */
export type Deed = {
  readonly action: string;
  readonly target?: string;
  readonly detail?: string;
  /** When the request has no caller (sign-in): the name that was given. */
  readonly username?: string;
};

/** Adds the deed of this request's caller to the audit trail. The deed is done: that it cannot be noted is logged only. */
export function writeAudit(audit: AuditLog, request: Pick<FastifyRequest, 'caller' | 'ip' | 'log'>, deed: Deed): void {
  const { caller } = request;
  try {
    audit.add({
      username: deed.username ?? caller?.username ?? '',
      via: caller?.kind ?? 'none',
      address: request.ip ?? '', // nothing once the client has left
      action: deed.action,
      target: deed.target ?? null,
      detail: deed.detail ?? null,
    });
  } catch (err) {
    request.log.error({ err, action: deed.action }, 'The audit trail could not be written');
  }
}
