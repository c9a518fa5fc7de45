// What a request's address asks for: a camera, which of its streams, which track; and who asks, when that is in it, too. Pure.

import type { Credentials } from '../auth/credentials.ts';

/** The streams of a camera. `main`: H.264 or H.265; `jpeg`: RFC 2435; `sub`: its smaller stream. */
export type StreamKind = 'main' | 'jpeg' | 'sub';

/** A parsed address. */
export type Target = {
  /** `rtsp://host:port`, or empty when only a path was sent. */
  readonly origin: string;
  /** Slug or id, as sent: hostile. */
  readonly camera: string;
  readonly stream: StreamKind;
  /** Number of the track; `null` for all. */
  readonly track: number | null;
  readonly credentials: Credentials | null;
};

/** Scheme, user information, host, and the rest. */
const ADDRESS = /^rtsps?:\/\/(?:([^/?#@]*)@)?([a-z0-9.\-_[\]:]{1,260})(?=[/?#]|$)(.*)$/is;
const PATH = /^\/([^/]{1,200})(?:\/(jpeg|sub))?(?:\/trackID=(\d))?\/?$/;
const TOKEN = /[?&]token=([\w-]{1,200})/;

/** Takes an address apart; `null` when no stream of ours can be meant. */
export function parseTarget(uri: string): Target | null {
  const address = ADDRESS.exec(uri);
  const rest = address ? address[3]! : uri;
  const [path = '', ...query] = rest.split('?');
  // Clients put the track behind the whole of what they were given, its query, too.
  const track = /\/trackID=\d\/?$/.exec(query.join('?'))?.[0] ?? '';
  const found = PATH.exec(`${path === '' ? '/' : path.replace(/\/$/, '')}${track}`);
  const camera = found && decoded(found[1]!);
  if (!found || camera === null) return null;
  return {
    origin: address ? `rtsp://${address[2]}` : '',
    camera,
    stream: (found[2] as StreamKind | undefined) ?? 'main',
    track: found[3] === undefined ? null : Number(found[3]),
    credentials: tokenOf(query.join('?')) ?? userInformation(address?.[1]),
  };
}

function tokenOf(query: string): Credentials | null {
  const token = TOKEN.exec(`?${query}`)?.[1];
  return token === undefined ? null : { kind: 'bearer', token };
}

/** `user:password@`, each decoded once. */
function userInformation(text: string | undefined): Credentials | null {
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) return null;
  const username = decoded(text.slice(0, colon));
  const password = decoded(text.slice(colon + 1));
  return username === null || password === null ? null : { kind: 'basic', username, password };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
