// What browsers are told about our replies: nothing inline, nothing from elsewhere, framed only by whom the user chose.

import helmet from '@fastify/helmet';
import type { App } from '../app.ts';

/** A year: ASVS 3.4.1. */
const HSTS_SECONDS = 365 * 24 * 3600;

/** @param frameAncestors origins that may frame the pages (`PERCH_FRAME_ANCESTORS`) */
export async function installSecurityHeaders(app: App, frameAncestors: readonly string[]): Promise<void> {
  const policy = (ancestors: readonly string[]) => ({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:', 'blob:'],
      mediaSrc: ["'self'", 'blob:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      manifestSrc: ["'self'"],
      workerSrc: ["'self'", 'blob:'], // hls.js runs its demuxer in a blob worker
      baseUri: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ancestors.length > 0 ? [...ancestors] : ["'none'"],
      // No upgrade-insecure-requests: it breaks plain http on the local network.
    },
  });
  app.addHook('onRoute', (route) => {
    // A picture has nothing to click on: media may stand in any frame, as our bare player may.
    if (route.config?.embeddable || route.config?.access === 'media') {
      route.helmet = { contentSecurityPolicy: policy(['*']), frameguard: false };
    }
  });
  await app.register(helmet, {
    contentSecurityPolicy: policy(frameAncestors),
    frameguard: frameAncestors.length > 0 ? false : { action: 'deny' },
    hsts: false, // below: only where it is true
    originAgentCluster: false, // Chromium complains about it over plain http
    crossOriginOpenerPolicy: false, // below: browsers complain about it over plain http
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' }, // page addresses may hold a token (/embed)
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.protocol !== 'https') return;
    reply.header('strict-transport-security', `max-age=${HSTS_SECONDS}`);
    reply.header('cross-origin-opener-policy', 'same-origin');
  });
}
