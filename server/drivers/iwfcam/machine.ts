// The handshake and the life of one session as a pure machine: discover, close what a crash left, log in, start, keep
// alive, say goodbye. Source: protocols/iwfcam.md sections 4, 6, 7, 9 and 15; times are in dialect.ts.

import { NvrError } from '../../core/nvr-error.ts';
import { isUnicastIpv4 } from '../../net/ipv4.ts';
import type { Endpoint } from '../../net/net.ts';
import { dialect, timing } from './dialect.ts';
import type { Effect, Event, Handshake, Peer, State, Step, StreamWatch } from './machine-types.ts';
import { credential } from './token.ts';
import {
  type Control,
  controlType,
  type DiscoveryResponse,
  encodeAnswer,
  encodeCommand,
  encodeDiscoveryRequest,
  encodeLive,
  encodeLoginRequest,
  type LoginResponse,
  liveMask,
  loginResult,
  ZERO_IDENTITY,
} from './wire.ts';

const MAX_SESSION = 0x7fffffff;
const TWICE = [0, timing.repeatMs] as const;

type In<K extends State['kind']> = Extract<State, { readonly kind: K }>;

const mediaEndpoint = (peer: Peer): Endpoint => ({ address: peer.address, port: peer.mediaPort });
const stay = (state: State): Step => ({ state, effects: [] });
const isSame = (a: Endpoint, b: Endpoint) => a.address === b.address && a.port === b.port;

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

// Finding the camera

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
  return packet.items.find((item) => item.lanPort > 0 && (handshake.uid === null || item.uid === handshake.uid));
}

function notFound(handshake: Handshake, stranger: string | null): NvrError {
  const where = handshake.host ?? 'the local network';
  if (stranger !== null && handshake.uid !== null && stranger !== handshake.uid) {
    return new NvrError('unavailable', `Another camera (UID ${stranger}) answers at ${where}`);
  }
  return new NvrError('timeout', `No answer from the camera at ${where}`);
}

// Old session and login

function routed(handshake: Handshake, peer: Peer, announced: Endpoint, nowMs: number): Step {
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
function closingOld(handshake: Handshake, state: In<'closingOld'>, event: Event): Step {
  const isClosed =
    event.kind === 'packet' &&
    event.packet.kind === 'command' &&
    event.packet.type === controlType.close &&
    isSame(event.from, mediaEndpoint(state.peer));
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

function loggingIn(handshake: Handshake, state: In<'login'>, event: Event): Step {
  if (event.kind === 'timer') {
    if (event.nowMs < state.deadlineMs) return stay(state);
    if (!state.isSent) return sendLogin(handshake, state, 1, event.nowMs);
    if (state.round < timing.loginRounds) return sendLogin(handshake, state, state.round + 1, event.nowMs);
    return start(state.peer, dialect.assumedSession, true, null, event.nowMs);
  }
  const response = loginResponseOf(handshake, state.peer, event);
  if (!response || !state.isSent) return stay(state);
  if (response.result === loginResult.identity && !state.isLearned) {
    const { identity } = response;
    const deadlineMs = event.nowMs + timing.identityRetryMs;
    return stay({ ...state, identity, isLearned: true, isSent: false, deadlineMs });
  }
  if (isAccepted(response)) return start(state.peer, response.session, false, response, event.nowMs);
  return end(loginError(response));
}

/** A login response that comes from one of the camera's two ports. */
function loginResponseOf(handshake: Handshake, peer: Peer, event: Event): LoginResponse | null {
  if (event.kind !== 'packet' || event.packet.kind !== 'loginResponse') return null;
  const { address, port } = event.from;
  const isCamera = address === peer.address && (port === peer.mediaPort || port === handshake.discoveryPort);
  return isCamera ? event.packet : null;
}

function isAccepted(response: LoginResponse): boolean {
  return response.result === loginResult.accepted && response.session > 0 && response.session <= MAX_SESSION;
}

function loginError(response: LoginResponse): NvrError {
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

// The stream

function start(peer: Peer, session: number, isAssumed: boolean, login: LoginResponse | null, nowMs: number): Step {
  const state: State = {
    kind: 'starting',
    peer,
    session,
    isAssumed,
    tries: 1,
    isAnswered: false,
    startedMs: nowMs,
    sentMs: nowMs,
    deadlineMs: nowMs + timing.liveAnswerMs,
  };
  const live = sendLive(peer, session);
  if (isAssumed) return { state, effects: [live] };
  return { state, effects: [{ kind: 'remember', session }, live, { kind: 'opened', login }] };
}

function sendLive(peer: Peer, session: number): Effect {
  return { kind: 'send', bytes: encodeLive(session, liveMask.both), to: mediaEndpoint(peer), atMs: TWICE };
}

function starting(handshake: Handshake, state: In<'starting'>, event: Event): Step {
  const { peer } = state;
  const { nowMs } = event;
  if (event.kind === 'media') {
    const { session } = event;
    const streaming: State = {
      kind: 'streaming',
      peer,
      session,
      startedMs: nowMs,
      sentMs: state.sentMs,
      isBurstSent: false,
      noticeMs: null,
      deadlineMs: nowMs + timing.watchMs,
    };
    if (!state.isAssumed) return stay(streaming);
    return {
      state: streaming,
      effects: [
        { kind: 'remember', session },
        { kind: 'opened', login: null },
      ],
    };
  }
  if (event.kind === 'timer') {
    if (nowMs - state.startedMs >= timing.firstMediaMs) return leave(state, noMedia(state), nowMs);
    if (nowMs < state.deadlineMs) return stay(state);
    const isRepeatDue = !state.isAnswered && state.tries < timing.liveTries;
    const later = { ...state, deadlineMs: nowMs + timing.liveAnswerMs };
    if (!isRepeatDue && nowMs - state.sentMs < timing.heartbeatMs) return stay(later);
    return { state: { ...later, tries: state.tries + 1, sentMs: nowMs }, effects: [sendLive(peer, state.session)] };
  }
  const response = state.isAssumed ? loginResponseOf(handshake, peer, event) : null;
  if (response)
    return isAccepted(response) ? start(peer, response.session, false, response, nowMs) : end(loginError(response));
  const control = controlOf(state, event);
  if (control?.kind === 'answer' && control.type === controlType.live && control.sub === liveMask.both) {
    return stay({ ...state, isAnswered: true });
  }
  return isClose(control) ? endedByCamera(state) : stay(state);
}

function noMedia(state: In<'starting'>): NvrError {
  const coolDownMs = timing.coolDownMs;
  if (state.isAssumed) {
    return new NvrError('timeout', 'The camera answered discovery, but neither the login nor the live request', {
      coolDownMs,
    });
  }
  return new NvrError('timeout', 'The camera accepted the login, but no media arrived at the announced address', {
    coolDownMs,
  });
}

function streaming(state: In<'streaming'>, event: Event): Step {
  if (event.kind === 'timer') return watch(state, event.watch, event.nowMs);
  if (event.kind === 'packet' && event.packet.kind === 'deviceClosing' && event.from.address === state.peer.address) {
    // Nothing authenticates this notice: it is believed only when the stream stops too (section 7.4).
    return stay({ ...state, noticeMs: state.noticeMs ?? event.nowMs });
  }
  return isClose(controlOf(state, event)) ? endedByCamera(state) : stay(state);
}

function watch(state: In<'streaming'>, stream: StreamWatch, nowMs: number): Step {
  const pictureAgeMs = nowMs - Math.max(stream.pictureMs, state.startedMs);
  if (pictureAgeMs >= timing.watchdogEndMs) {
    return leave(state, new NvrError('timeout', 'The camera stopped sending whole pictures'), nowMs);
  }
  if (stream.strangeSinceMs >= 0 && nowMs - stream.strangeSinceMs >= timing.wrongSessionMs) {
    return leave(state, new NvrError('unavailable', 'The camera streams to another session'), nowMs);
  }
  let { noticeMs } = state;
  if (noticeMs !== null && nowMs - noticeMs >= timing.closingNoticeMs) {
    if (stream.mediaMs <= noticeMs) return leave(state, new NvrError('unavailable', 'The camera is going away'), nowMs);
    noticeMs = null;
  }
  const needsBurst = pictureAgeMs >= timing.watchdogBurstMs && !state.isBurstSent;
  const isBurstSent = pictureAgeMs >= timing.watchdogBurstMs;
  const later = { ...state, noticeMs, isBurstSent, deadlineMs: nowMs + timing.watchMs };
  if (!needsBurst && nowMs - state.sentMs < timing.heartbeatMs) return stay(later);
  return { state: { ...later, sentMs: nowMs }, effects: [sendLive(state.peer, state.session)] };
}

/** A control packet of this session from the camera's media port. */
function controlOf(state: In<'starting'> | In<'streaming'>, event: Event): Control | null {
  if (event.kind !== 'packet') return null;
  const { packet, from } = event;
  if (packet.kind !== 'command' && packet.kind !== 'answer') return null;
  return packet.session === state.session && isSame(from, mediaEndpoint(state.peer)) ? packet : null;
}

function isClose(control: Control | null): boolean {
  return control?.kind === 'command' && control.type === controlType.close;
}

// The end

function endedByCamera(state: In<'starting'> | In<'streaming'>): Step {
  const bytes = encodeAnswer(state.session, controlType.close, 1);
  const { state: ended, effects } = end(new NvrError('unavailable', 'The camera ended the session'));
  const answer: Effect = { kind: 'send', bytes, to: mediaEndpoint(state.peer), atMs: [0] };
  return { state: ended, effects: [answer, { kind: 'remember', session: null }, ...effects] };
}

function end(reason: NvrError): Step {
  return { state: { kind: 'ended', reason }, effects: [{ kind: 'close' }] };
}

/** Goodbye as far as the state needs one. */
function leave(state: State, reason: NvrError, nowMs: number): Step {
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

function leaving(state: In<'leaving'>, event: Event): Step {
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
