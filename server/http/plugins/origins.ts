// Did another site's page send this request? Browsers attach cookies and Basic passwords by themselves, so a request
// that changes something must come from our own pages, or from no page at all. Pure.

/** The headers that tell. */
export type OriginHeaders = {
  readonly origin?: string | undefined;
  readonly secFetchSite?: string | undefined;
};

/** `host[:port]` with the scheme's own port left out. */
function withoutDefaultPort(host: string, protocol: string): string {
  return host.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '');
}

/**
 * Whether a page of another origin is behind the request. Sec-Fetch-Site cannot be forged by a page, but browsers send
 * it over https and to localhost only; elsewhere Origin is compared with the names we were reached by. Programs send
 * neither and are not pages.
 * @param hosts `host[:port]` as the client wrote it: the Host header, and what a trusted proxy forwarded
 */
export function isForeignPage(headers: OriginHeaders, hosts: readonly string[]): boolean {
  if (headers.secFetchSite !== undefined)
    return headers.secFetchSite !== 'same-origin' && headers.secFetchSite !== 'none';
  if (headers.origin === undefined) return false;
  let origin: URL;
  try {
    origin = new URL(headers.origin);
  } catch {
    return true; // "null" and garbage
  }
  if (origin.protocol !== 'http:' && origin.protocol !== 'https:') return true;
  return !hosts.some((host) => withoutDefaultPort(host, origin.protocol) === origin.host.toLowerCase());
}
