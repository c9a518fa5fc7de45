// One signal for work that a request started: it ends when the client leaves or loses the right to ask.

import type { FastifyReply, FastifyRequest } from 'fastify';

/** Aborts when the connection goes before the reply was sent, or the caller is revoked. */
export function requestSignal(request: Pick<FastifyRequest, 'callerSignal'>, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return AbortSignal.any([gone.signal, request.callerSignal]);
}
