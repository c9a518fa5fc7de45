// How request bodies are read: JSON, also under the name of merge patches, and an empty body is no body.

import type { FastifyRequest } from 'fastify';
import type { App } from '../app.ts';

/** Installs the parsers. Keys that would reach a prototype are an error. */
export function installBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser<string>(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    (request: FastifyRequest, body, done) => {
      if (body === '') done(null, undefined);
      else parseJson(request, body, done);
    },
  );
}
