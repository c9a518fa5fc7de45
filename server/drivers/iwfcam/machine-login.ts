// Closing what a crash left open, then logging in. Source: protocols/iwfcam.md sections 6 and 7.2.

import type { Endpoint } from '../../net/net.ts';
import { dialect, timing } from './dialect.ts';
import { isAccepted, loginError, loginResponseOf } from './login-result.ts';
import { end } from './machine-goodbye.ts';
import { type In, isSameEndpoint, mediaEndpoint, stay, TWICE } from './machine-parts.ts';
import { start } from './machine-stream.ts';
import type { Event, Handshake, Peer, Step } from './machine-types.ts';
import { credential } from './token.ts';
import { controlType, encodeCommand, encodeLoginRequest, loginResult, ZERO_IDENTITY } from './wire.ts';

/** The address to announce is known. */
export function routed(handshake: Handshake, peer: Peer, announced: Endpoint, nowMs: number): Step {
  const old = handshake.oldSession;
  // A camera at another address or port has been restarted since: there is nothing left to close.
  if (!old || old.address !== peer.address || old.mediaPort !== peer.mediaPort) {
    return sendLogin(handshake, { peer, announced, identity: ZERO_IDENTITY, isLearned: false }, 1, nowMs);
  }
  const bytes = encodeCommand(old.session, 'close');
  return {
    state: { kind: 'closingOld', peer, announced, deadlineMs: nowMs + timing.goodbyeMs },
    effects: [{ kind: 'send', bytes, to: mediaEndpoint(peer), atMs: [0, timing.closeRepeatMs] }],
  };
}

/** Waits for the device's own close, which comes after its answer: later it would be taken for the new session's end. */
export function closingOld(handshake: Handshake, state: In<'closingOld'>, event: Event): Step {
  const isClosed =
    event.kind === 'packet' &&
    event.packet.kind === 'command' &&
    event.packet.type === controlType.close &&
    isSameEndpoint(event.from, mediaEndpoint(state.peer));
  const isOver = event.kind === 'timer' && event.nowMs >= state.deadlineMs;
  if (!isClosed && !isOver) return stay(state);
  const { peer, announced } = state;
  return sendLogin(handshake, { peer, announced, identity: ZERO_IDENTITY, isLearned: false }, 1, event.nowMs);
}

type LoginWith = Pick<In<'login'>, 'peer' | 'announced' | 'identity' | 'isLearned'>;

function sendLogin(handshake: Handshake, login: LoginWith, round: number, nowMs: number): Step {
  const bytes = encodeLoginRequest({
    identity: login.identity,
    publicAddress: '0.0.0.0',
    publicPort: 0,
    lanPort: login.announced.port,
    lanAddress: login.announced.address,
    credential: credential(handshake.token),
  });
  const { peer, announced, identity, isLearned } = login;
  return {
    state: {
      kind: 'login',
      peer,
      announced,
      identity,
      isLearned,
      round,
      isSent: true,
      deadlineMs: nowMs + timing.loginWaitMs,
    },
    effects: [{ kind: 'send', bytes, to: mediaEndpoint(peer), atMs: TWICE }],
  };
}

/** Up to three rounds; a refused identity is corrected once; silence leads to the guessed session. */
export function loggingIn(handshake: Handshake, state: In<'login'>, event: Event): Step {
  if (event.kind === 'timer') {
    if (event.nowMs < state.deadlineMs) return stay(state);
    if (!state.isSent) return sendLogin(handshake, state, 1, event.nowMs);
    if (state.round < timing.loginRounds) return sendLogin(handshake, state, state.round + 1, event.nowMs);
    return start(state, { session: dialect.assumedSession, login: null }, event.nowMs);
  }
  const response = loginResponseOf(handshake, state.peer, event);
  if (!response || !state.isSent) return stay(state);
  if (response.result === loginResult.identity && !state.isLearned) {
    const { identity } = response;
    const deadlineMs = event.nowMs + timing.identityRetryMs;
    return stay({ ...state, identity, isLearned: true, isSent: false, deadlineMs });
  }
  if (isAccepted(response)) return start(state, { session: response.session, login: response }, event.nowMs);
  return end(loginError(response));
}
