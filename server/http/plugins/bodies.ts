// How request bodies are read: JSON, also under the name of merge patches, and an empty body is no body.

import type { FastifyRequest } from 'fastify';
import { NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';

/** Deeper than anything of ours; code that walks JSON by recursion would run out of stack at some thousands. */
const MAX_DEPTH = 32;

/** Installs the parsers. Keys that would reach a prototype are an error. */
export function installBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser<string>(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    (request: FastifyRequest, body, done) => {
      if (body === '') done(null, undefined);
      else if (nestsDeeper(body, MAX_DEPTH)) done(new NvrError('bad_input', 'The body is nested too deeply'));
      else parseJson(request, body, done);
    },
  );
}

/** Whether a JSON text has more than `limit` open brackets at any place; brackets inside strings do not count. */
export function nestsDeeper(json: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '"') i = endOfString(json, i);
    else if (char === '{' || char === '[') {
      if (++depth > limit) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}

/** Index of the quote that ends the string which begins at `start`, or of the end of the text. */
function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i;
}
