// Where Perch is: everything is resolved against the page, so that a path prefix (a proxy, Home Assistant) just works.

const root = new URL('.', document.baseURI);

/** Absolute URL of a path inside Perch, such as `api/session`; never begin it with a slash. */
export function urlOf(path: string): string {
  return new URL(path, root).href;
}

/** The same for a WebSocket. */
export function socketUrlOf(path: string): string {
  const url = new URL(path, root);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
