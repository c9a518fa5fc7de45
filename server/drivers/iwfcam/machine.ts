// The handshake and the life of one session as a pure machine: discover, close what a crash left, log in, start, keep
// alive, say goodbye. Source: protocols/iwfcam.md sections 4, 6, 7, 9 and 15; times are in dialect.ts.

import { NvrError } from '../../core/nvr-error.ts';
import { isUnicastIpv4 } from '../../net/ipv4.ts';
import { timing } from './dialect.ts';
import { end, leave, leaving } from './machine-goodbye.ts';
import { closingOld, loggingIn, routed } from './machine-login.ts';
import { type In, stay } from './machine-parts.ts';
import { starting, streaming } from './machine-stream.ts';
import type { Event, Handshake, State, Step } from './machine-types.ts';
import { isSameUid } from './settings.ts';
import { type DiscoveryResponse, encodeDiscoveryRequest } from './wire.ts';

/** One step. Events that mean nothing in a state leave it as it is. */
export function next(handshake: Handshake, state: State, event: Event): Step {
  if (event.kind === 'fail') return leave(state, event.error, event.nowMs);
  switch (state.kind) {
    case 'idle':
      return event.kind === 'start' ? discover(handshake, 1, null, event.nowMs) : stay(state);
    case 'discovering':
      return discovering(handshake, state, event);
    case 'routing':
      return event.kind === 'routed' ? routed(handshake, state.peer, event.announced, event.nowMs) : stay(state);
    case 'closingOld':
      return closingOld(handshake, state, event);
    case 'login':
      return loggingIn(handshake, state, event);
    case 'starting':
      return starting(handshake, state, event);
    case 'streaming':
      return streaming(state, event);
    case 'leaving':
      return leaving(state, event);
    case 'ended':
      return stay(state);
  }
}

function discover(handshake: Handshake, tries: number, stranger: string | null, nowMs: number): Step {
  const isLast = tries === timing.discoveryTries;
  const deadlineMs = nowMs + (isLast ? timing.discoveryAnswerMs : timing.discoveryIntervalMs);
  const bytes = encodeDiscoveryRequest();
  return {
    state: { kind: 'discovering', tries, stranger, deadlineMs },
    effects: handshake.probe.map((to) => ({ kind: 'send', bytes, to, atMs: [0] })),
  };
}

function discovering(handshake: Handshake, state: In<'discovering'>, event: Event): Step {
  if (event.kind === 'timer') {
    if (event.nowMs < state.deadlineMs) return stay(state);
    if (state.tries < timing.discoveryTries) return discover(handshake, state.tries + 1, state.stranger, event.nowMs);
    return end(notFound(handshake, state.stranger));
  }
  if (event.kind !== 'packet' || event.packet.kind !== 'discoveryResponse') return stay(state);
  const { from } = event;
  const isExpected = handshake.host === null ? isUnicastIpv4(from.address) : from.address === handshake.host;
  if (!isExpected || from.port !== handshake.discoveryPort) return stay(state);
  const found = chooseItem(handshake, event.packet);
  if (!found) return stay({ ...state, stranger: event.packet.items[0]?.uid ?? state.stranger });
  const peer = { address: from.address, mediaPort: found.lanPort, uid: found.uid };
  return { state: { kind: 'routing', peer }, effects: [{ kind: 'route', address: peer.address }] };
}

/** The item of the wanted camera; one without a media port is no answer (section 4). */
function chooseItem(handshake: Handshake, packet: DiscoveryResponse) {
  return packet.items.find(
    (item) => item.lanPort > 0 && (handshake.uid === null || isSameUid(item.uid, handshake.uid)),
  );
}

function notFound(handshake: Handshake, stranger: string | null): NvrError {
  const where = handshake.host ?? 'the local network';
  if (stranger !== null && handshake.uid !== null && !isSameUid(stranger, handshake.uid)) {
    return new NvrError('unavailable', `Another camera (UID ${stranger}) answers at ${where}`);
  }
  return new NvrError('timeout', `No answer from the camera at ${where}`);
}
