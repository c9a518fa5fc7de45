// A reply as lines of JSON while the work goes on: each step as it is reached, then the result. For pages that show what
// happens; who wants one JSON value does not ask for it.

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DialListener } from '../cameras/single-dial.ts';
import type { ReachedStep } from '../core/dial-step.ts';
import { requestSignal } from './request-signal.ts';

/** The media type of such a reply. */
export const LINES_TYPE = 'application/x-ndjson';

/** Whether the caller asked for lines. */
export function wantsLines(request: Pick<FastifyRequest, 'headers'>): boolean {
  const { accept = '' } = request.headers;
  return accept.split(',', 16).some((each) => each.split(';', 1)[0]!.trim().toLowerCase() === LINES_TYPE);
}

/**
 * Runs the work and sends its steps as `{"step": {...}}` and its end as `{"result": {...}}`. What the work throws before its
 * first step is an ordinary error reply.
 */
export async function sendLines(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (listener: DialListener) => Promise<object>,
): Promise<FastifyReply> {
  const lines = new Readable({ read: () => {} });
  const begun = Promise.withResolvers<void>();
  const say = (line: object) => {
    if (!lines.destroyed) lines.push(`${JSON.stringify(line)}\n`);
    begun.resolve();
  };
  const onStep = (step: ReachedStep) => say({ step });
  void work({ signal: requestSignal(request, reply), onStep }).then(
    (result) => {
      say({ result });
      lines.push(null);
    },
    (error: unknown) => {
      begun.reject(error);
      lines.destroy(); // after a first line there is no other way to say it
    },
  );
  await begun.promise;
  return reply
    .header('content-type', `${LINES_TYPE}; charset=utf-8`)
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(lines);
}
