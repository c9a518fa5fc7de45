// `/embed/{camera}?token=`: a bare player for iframes of any origin. Nothing inline, so that the page keeps a strict
// content security policy.

import { readFileSync } from 'node:fs';
import type { FastifyReply } from 'fastify';
import type { Fleet } from '../../cameras/fleet.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { CameraParams } from '../schemas/common.ts';

/** What these routes work on. */
export type EmbedRoutesOptions = { readonly fleet: Fleet };

const FILE_SECONDS = 3600;

/** `/embed/...` */
export async function embedRoutes(app: App, { fleet }: EmbedRoutesOptions): Promise<void> {
  const file = (name: string, type: string) => {
    const text = readFileSync(new URL(`../embed/${name}`, import.meta.url), 'utf8');
    const handler = async (_request: unknown, reply: FastifyReply) =>
      reply
        .type(type)
        .header('Cache-Control', `public, max-age=${FILE_SECONDS}`)
        .header('Cross-Origin-Resource-Policy', 'cross-origin')
        .send(text);
    app.get(`/embed/${name}`, { config: { access: 'public' }, schema: { hide: true } as object, handler });
  };
  file('player.js', 'text/javascript; charset=utf-8');
  file('player.css', 'text/css; charset=utf-8');

  app.get(
    '/embed/:camera',
    {
      config: { access: 'media', embeddable: true },
      schema: { tags: ['media'], summary: 'A bare player to put into an iframe', params: CameraParams },
    },
    async (request, reply) => {
      const { config } = cameraOf(request, fleet, request.params.camera);
      return reply
        .type('text/html; charset=utf-8')
        .header('Cache-Control', 'no-store')
        .send(page(config.slug, config.name));
    },
  );
}

/** All links are relative: a proxy may serve Perch below any path. */
function page(slug: string, name: string): string {
  const text = escapeHtml(name);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text}</title>
<link rel="stylesheet" href="player.css">
<link rel="icon" href="data:,">
<script src="player.js" defer></script>
</head>
<body data-camera="${escapeHtml(slug)}" data-name="${text}">
<img id="picture" alt="${text}">
<div id="note" role="status"></div>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
