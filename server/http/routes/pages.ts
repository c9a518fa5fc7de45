// The dashboard: the files that Vite built, and its one page for every other address. Open to all; it holds no data.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { App } from '../app.ts';
import { nothingAt, pathOf } from '../plugins/errors.ts';

/** What these routes serve. */
export type PageRoutesOptions = { readonly webRoot: string };

const INDEX = 'index.html';
/** Vite puts a hash of the content into these names, so they never change. */
const IMMUTABLE_FOLDER = 'assets/';
/** These are never the dashboard: a client that mistypes them should get a problem, not a page. */
const notPages = new Set(['api', 'cameras', 'metrics', 'healthz', 'assets']);
/** What Home Assistant's ingress puts in front. It goes into the page, so nothing else may pass. */
const INGRESS_PATH = /^(\/[A-Za-z0-9_.~-]+)+\/?$/;
const MAX_INGRESS_LENGTH = 200;

/** Every address that no other route has. */
export async function pageRoutes(app: App, { webRoot }: PageRoutesOptions): Promise<void> {
  await app.register(fastifyStatic, { root: webRoot, serve: false, cacheControl: false });
  const files = new Set(
    readdirSync(webRoot, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(webRoot.length + 1)
          .replaceAll(sep, '/'),
      ),
  );
  const index = existsSync(join(webRoot, INDEX)) ? readFileSync(join(webRoot, INDEX), 'utf8') : null;

  app.get(
    '/*',
    {
      config: { access: 'public', rateLimit: false },
      schema: { hide: true, params: Type.Object({ '*': Type.String() }) },
    },
    async (request, reply) => {
      const path = request.params['*'];
      if (path !== INDEX && files.has(path)) {
        const immutable = path.startsWith(IMMUTABLE_FOLDER);
        reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
        return reply.sendFile(path);
      }
      if (index === null || !isPage(request, path)) throw nothingAt(request);
      return sendPage(request, reply, index);
    },
  );
}

function isPage(request: FastifyRequest, path: string): boolean {
  if (path === '' || path === INDEX) return true;
  const accept = request.headers.accept ?? '';
  return accept.includes('text/html') && !notPages.has(path.split('/', 1)[0]!);
}

/** The page, told where Perch's root is when it is not the page's own folder. */
function sendPage(request: FastifyRequest, reply: FastifyReply, index: string): FastifyReply {
  const base = baseOf(request);
  const html = base === null ? index : index.replace('<head>', `<head>\n    <base href="${base}" />`);
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('cache-control', 'no-cache')
    .header('vary', 'X-Ingress-Path')
    .send(html);
}

function baseOf(request: FastifyRequest): string | null {
  const ingress = request.headers['x-ingress-path'];
  if (typeof ingress === 'string' && ingress.length <= MAX_INGRESS_LENGTH && INGRESS_PATH.test(ingress)) {
    return `${ingress.replace(/\/$/, '')}/`;
  }
  const depth = pathOf(request.url).split('/').length - 2;
  return depth > 0 ? '../'.repeat(depth) : null;
}
