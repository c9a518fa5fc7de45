// The description of the interface, made from the schemas that check it. Register before the routes.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../app.ts';
import { NoQuery } from '../schemas/common.ts';

const description = `Everything that a client may rely on. Send the session cookie, \`Authorization: Bearer TOKEN\`, or HTTP
Basic (user and password, or any user name and a token as the password); media URLs also take \`?token=TOKEN\`.
Errors are \`application/problem+json\`, times ISO 8601 UTC with milliseconds, sizes bytes.`;

/** Where the readable form is. */
export const DOCS_PREFIX = '/api/docs';

/** Collects the routes that come after it, and serves them as `/api/openapi.json` and `/api/docs`. */
export async function installOpenapi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Perch', description, version },
      security: [{ session: [] }, { bearer: [] }, { basic: [] }],
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'perch_session' },
          bearer: { type: 'http', scheme: 'bearer' },
          basic: { type: 'http', scheme: 'basic' },
          token: { type: 'apiKey', in: 'query', name: 'token', description: 'Media URLs only' },
        },
      },
      tags: [
        { name: 'access', description: 'Signing in, users, tokens' },
        { name: 'cameras', description: 'Cameras and drivers' },
        { name: 'media', description: 'Live pictures and sound' },
        { name: 'recordings', description: 'Recordings and storage' },
        { name: 'events', description: 'What happened' },
        { name: 'system', description: 'The service itself' },
      ],
    },
  });

  app.get(
    '/api/openapi.json',
    { config: { access: 'viewer' }, schema: { tags: ['system'], summary: 'This description', querystring: NoQuery } },
    async () => relative(app.swagger(), '../'),
  );

  await app.register(swaggerUi, {
    routePrefix: DOCS_PREFIX,
    staticCSP: false, // ours holds
    transformSpecification: (document) => relative(document, '../../'),
    theme: { title: 'Perch interface' },
    // Without the bar on top, which would open any address and writes a style into the page.
    uiConfig: { docExpansion: 'none', deepLinking: false, layout: 'BaseLayout' },
    uiHooks: {
      // Its links are relative only behind the final slash.
      onRequest: (request, reply, next) => {
        if (request.url.split('?', 1)[0] === DOCS_PREFIX) void reply.redirect('docs/');
        else next();
      },
    },
  });
}

/** The same document for whatever path prefix Perch stands behind: its server is `root`, seen from the document. */
function relative<T extends object>(document: T, root: string): T {
  return { ...document, servers: [{ url: root }] };
}
