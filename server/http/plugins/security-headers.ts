// What browsers are told about our replies: nothing inline, nothing from elsewhere, framed only by whom the user chose.
// Each set is put together once: when thousands knock, their headers must not be worked out for each of them.

import type { App } from '../app.ts';

/** A year: ASVS 3.4.1. */
const HSTS_SECONDS = 365 * 24 * 3600;

type Headers = Readonly<Record<string, string>>;

const DIRECTIVES = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self' blob:", // hls.js runs its demuxer in a blob worker
  "object-src 'none'",
  // Not 'none': behind a proxy with a path prefix (Home Assistant's ingress) the page gets a <base> of its own origin.
  "base-uri 'self'",
  "form-action 'self'",
  // No upgrade-insecure-requests: it breaks plain http on the local network.
];

function headersFor(frameAncestors: readonly string[]): Headers {
  const ancestors = frameAncestors.length > 0 ? frameAncestors.join(' ') : "'none'";
  return {
    'content-security-policy': [...DIRECTIVES, `frame-ancestors ${ancestors}`].join(';'),
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer', // page addresses may hold a token (/embed)
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
    ...(frameAncestors.length === 0 && { 'x-frame-options': 'DENY' }),
  };
}

/** Over https only: browsers complain about the second one over plain http. */
const TLS_HEADERS: Headers = {
  'strict-transport-security': `max-age=${HSTS_SECONDS}`,
  'cross-origin-opener-policy': 'same-origin',
};

/** @param frameAncestors origins that may frame the pages (`PERCH_FRAME_ANCESTORS`) */
export function installSecurityHeaders(app: App, frameAncestors: readonly string[]): void {
  const pages = headersFor(frameAncestors);
  // A picture has nothing to click on: media may stand in any frame, as our bare player may.
  const embeddable = headersFor(['*']);
  app.addHook('onRequest', async (request, reply) => {
    const { config } = request.routeOptions;
    reply.headers(config.embeddable || config.access === 'media' ? embeddable : pages);
    if (request.protocol === 'https') reply.headers(TLS_HEADERS);
  });
}
