// One line per request at debug, without the query: it may hold a token.

import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { App } from '../app.ts';
import { pathOf } from './errors.ts';

/** The logger for Fastify: whatever logs a request logs its path only. */
export function requestLogger(log: Logger): FastifyBaseLogger {
  return log.child(
    { part: 'http' },
    {
      serializers: {
        req: (request: FastifyRequest) => ({ method: request.method, path: pathOf(request.url), address: request.ip }),
      },
    },
  );
}

/** Fastify's own lines are off: two per request at info would drown the changes of state. */
export class QuietLog extends LogController {
  constructor() {
    super({ disableRequestLogging: true });
  }

  /** A reply broke off in the middle: a client that left is no news, anything else is. */
  override streamError(error: Error & { code?: string }, request: FastifyRequest, _reply: FastifyReply): void {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    request.log.warn({ err: error, path: pathOf(request.url) }, 'A reply ended with an error');
  }
}

/** Installs the line. */
export function installRequestLog(app: App): void {
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        method: request.method,
        path: pathOf(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        address: request.ip,
        user: request.caller?.username,
      },
      'Request',
    );
  });
}
