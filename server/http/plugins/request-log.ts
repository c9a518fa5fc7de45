// One line per request at debug, without the query: it may hold a token.

import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
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
