// Pages live behind the hash, so that they work under any path prefix without the server's help.

import { signal } from '@preact/signals';

/** Where we are: `#/camera/porch?tab=urls` is `{path: ['camera', 'porch'], query}`. */
export type Route = { readonly path: readonly string[]; readonly query: URLSearchParams };

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The route of a hash. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#?\/?/, '');
  const mark = text.indexOf('?');
  const path = (mark < 0 ? text : text.slice(0, mark)).split('/').filter((part) => part !== '');
  return { path: path.map(decode), query: new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1)) };
}

/** The hash of a page: `href('camera', slug)`. */
export function href(...path: readonly string[]): string {
  return `#/${path.map(encodeURIComponent).join('/')}`;
}

// Addresses that other programs make, such as `/timeline?camera=porch&at=...`, come without a hash.
const named = /\/(timeline)$/.exec(location.pathname)?.[1];
if (named && location.hash === '') {
  history.replaceState(null, '', new URL(`.#/${named}${location.search}`, location.href));
}

export const route = signal<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});

/** Goes to a page; `replace` leaves no step back. */
export function go(hash: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') location.hash = hash;
  else location.replace(hash);
}
