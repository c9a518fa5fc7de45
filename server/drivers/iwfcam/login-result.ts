// What a login response means (protocols/iwfcam.md section 6.3). Pure.

import { NvrError } from '../../core/nvr-error.ts';
import { timing } from './dialect.ts';
import type { Event, Handshake, Peer } from './machine-types.ts';
import { type LoginResponse, loginResult } from './wire.ts';

const MAX_SESSION = 0x7fffffff;

/** Accepted, with a session that can be used: 0 or a negative number is a refusal in disguise. */
export function isAccepted(response: LoginResponse): boolean {
  return response.result === loginResult.accepted && response.session > 0 && response.session <= MAX_SESSION;
}

/** The refusal as an error of the driver. */
export function loginError(response: LoginResponse): NvrError {
  const context = { result: response.result };
  const coolDownMs = timing.coolDownMs;
  switch (response.result) {
    case loginResult.accepted:
      return new NvrError('unavailable', 'The camera accepted the login but gave no session', { context });
    case loginResult.identity:
      return new NvrError('unavailable', 'The camera is registered with its cloud and refused the local login', {
        context,
      });
    case loginResult.password:
      return new NvrError('refused', 'The camera refused the password', { context });
    case loginResult.full:
      return new NvrError('unavailable', 'All viewer slots of the camera are taken', { context, coolDownMs });
    default:
      return new NvrError('unavailable', `The camera refused the login (result ${response.result})`, {
        context,
        coolDownMs,
      });
  }
}

/** A login response that comes from one of the camera's two ports. */
export function loginResponseOf(handshake: Handshake, peer: Peer, event: Event): LoginResponse | null {
  if (event.kind !== 'packet' || event.packet.kind !== 'loginResponse') return null;
  const { address, port } = event.from;
  const isCamera = address === peer.address && (port === peer.mediaPort || port === handshake.discoveryPort);
  return isCamera ? event.packet : null;
}
