// What can go wrong with an RTSP camera, as sentences that a user understands. `context.reason` tells them apart.

import { NvrError } from '../../core/nvr-error.ts';
import type { RtspResponse } from '../../media/rtsp.ts';
import { refusedError } from '../../net/http-auth.ts';

/** Why a camera is not shown. */
export type RtspFailure =
  | 'notFound'
  | 'redirect'
  | 'busy'
  | 'noVideo'
  | 'codec'
  | 'transport'
  | 'stalled'
  | 'session'
  | 'status';

/** An error with its reason. */
export function failure(
  code: 'unavailable' | 'timeout' | 'protocol',
  reason: RtspFailure,
  message: string,
  peer: string,
): NvrError {
  return new NvrError(code, message, { context: { peer, reason } });
}

const printable = (text: string, max: number) => text.replace(/[^\x20-\x7e]/g, '').slice(0, max);

/** Host and port of a Location header: never more of it, it may hold credentials. */
function hostOf(location: string): string {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([a-z0-9._:[\]-]{1,100})/i.exec(location)?.[1];
  return host === undefined ? 'another address' : `another address (${host})`;
}

/** The error for a reply that is no success. */
export function replyError(method: string, reply: RtspResponse, peer: string, hasCredentials: boolean): NvrError {
  const { status } = reply;
  if (status === 401 || status === 403) return refusedError(peer, hasCredentials);
  if (status === 404 || status === 410) {
    return failure(
      'unavailable',
      'notFound',
      `${peer} has no stream at this path; check the path in the address`,
      peer,
    );
  }
  if (status >= 300 && status < 400) {
    const where = hostOf(reply.headers.get('location') ?? '');
    return failure(
      'protocol',
      'redirect',
      `${peer} redirects to ${where}; redirects are not followed, enter the new address`,
      peer,
    );
  }
  if (status === 453 || status === 503) {
    return failure('unavailable', 'busy', `${peer} has no free connection; close another viewer of the camera`, peer);
  }
  if (status === 454) return failure('unavailable', 'session', `${peer} ended the session`, peer);
  if (status === 461) {
    return failure(
      'protocol',
      'transport',
      `${peer} does not offer this transport; choose the other one (TCP or UDP)`,
      peer,
    );
  }
  return failure(
    'protocol',
    'status',
    `${peer} answers ${method} with ${status} ${printable(reply.reason, 60)}`.trim(),
    peer,
  );
}

/** Text of a camera for the facts of a session: printable and short. */
export const factText = (text: string) => printable(text, 80);
