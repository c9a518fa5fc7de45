// The end of a session: goodbye as far as the state needs one. Source: protocols/iwfcam.md section 7.3.

import type { NvrError } from '../../core/nvr-error.ts';
import { timing } from './dialect.ts';
import { isAccepted } from './login-result.ts';
import { type In, mediaEndpoint, stay } from './machine-parts.ts';
import type { Event, Peer, State, Step } from './machine-types.ts';
import { controlType, encodeCommand, encodeLive, liveMask } from './wire.ts';

/** At once, without a word. */
export function end(reason: NvrError): Step {
  return { state: { kind: 'ended', reason }, effects: [{ kind: 'close' }] };
}

/** Goodbye as far as the state needs one. */
export function leave(state: State, reason: NvrError, nowMs: number): Step {
  switch (state.kind) {
    case 'starting':
    case 'streaming':
      return sayGoodbye(state.peer, state.session, reason, nowMs);
    case 'login':
      // The camera may be taking us in at this moment: its answer tells which session to close.
      if (!state.isSent) return end(reason);
      return stay({ kind: 'leaving', peer: state.peer, session: null, reason, deadlineMs: nowMs + timing.goodbyeMs });
    case 'leaving':
    case 'ended':
      return stay(state);
    default:
      return end(reason);
  }
}

function sayGoodbye(peer: Peer, session: number, reason: NvrError, nowMs: number): Step {
  const to = mediaEndpoint(peer);
  const closeAtMs = 2 * timing.stopRepeatMs;
  const lastMs = closeAtMs + timing.closeRepeatMs;
  return {
    state: { kind: 'leaving', peer, session, reason, deadlineMs: nowMs + lastMs + timing.goodbyeMs },
    effects: [
      { kind: 'send', bytes: encodeLive(session, liveMask.none), to, atMs: [0, timing.stopRepeatMs] },
      { kind: 'send', bytes: encodeCommand(session, 'close'), to, atMs: [closeAtMs, lastMs] },
    ],
  };
}

/** Waits for the camera's last word. */
export function leaving(state: In<'leaving'>, event: Event): Step {
  if (event.kind === 'timer') return event.nowMs < state.deadlineMs ? stay(state) : end(state.reason);
  if (event.kind !== 'packet' || event.from.address !== state.peer.address) return stay(state);
  const { packet } = event;
  if (state.session === null) {
    if (packet.kind !== 'loginResponse') return stay(state);
    return isAccepted(packet) ? sayGoodbye(state.peer, packet.session, state.reason, event.nowMs) : end(state.reason);
  }
  const isClosed =
    (packet.kind === 'answer' || packet.kind === 'command') &&
    packet.type === controlType.close &&
    packet.session === state.session;
  if (!isClosed) return stay(state);
  const { state: ended, effects } = end(state.reason);
  return { state: ended, effects: [{ kind: 'remember', session: null }, ...effects] };
}
