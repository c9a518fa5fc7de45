// The running stream: live request, heartbeats, watchdog. Source: protocols/iwfcam.md sections 7.4, 9, 10 and 15.

import { NvrError } from '../../core/nvr-error.ts';
import { timing } from './dialect.ts';
import { isAccepted, loginError, loginResponseOf } from './login-result.ts';
import { end, leave } from './machine-goodbye.ts';
import { type In, isSameEndpoint, mediaEndpoint, stay, TWICE } from './machine-parts.ts';
import type { Effect, Event, Handshake, Peer, State, Step, StreamWatch } from './machine-types.ts';
import { type Control, controlType, encodeAnswer, encodeLive, type LoginResponse, liveMask } from './wire.ts';

/** Asks for media. Without a login response the session is a guess. */
export function start(
  { peer, announced }: Pick<In<'login'>, 'peer' | 'announced'>,
  { session, login }: { readonly session: number; readonly login: LoginResponse | null },
  nowMs: number,
): Step {
  const isAssumed = login === null;
  const state: State = {
    kind: 'starting',
    peer,
    announced,
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

/** The live request is out; media decides. */
export function starting(handshake: Handshake, state: In<'starting'>, event: Event): Step {
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
      deadlineMs: nextLookMs(state.sentMs, nowMs),
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
    return isAccepted(response)
      ? start(state, { session: response.session, login: response }, nowMs)
      : end(loginError(response));
  const control = controlOf(state, event);
  if (control?.kind === 'answer' && control.type === controlType.live && control.sub === liveMask.both) {
    return stay({ ...state, isAnswered: true });
  }
  return isClose(control) ? endedByCamera(state) : stay(state);
}

function noMedia(state: In<'starting'>): NvrError {
  const coolDownMs = timing.coolDownMs;
  if (state.isAssumed) {
    const message = 'The camera answered discovery, but neither the login nor the live request';
    return new NvrError('timeout', message, { coolDownMs });
  }
  const message = `The camera accepted the login, but sent no media to ${state.announced.address}`;
  return new NvrError('timeout', message, { coolDownMs, context: { announced: state.announced.address } });
}

/** Media flows: heartbeats, and the many ways in which it may end. */
export function streaming(state: In<'streaming'>, event: Event): Step {
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
  // One stray packet before a silence is not a stream: they must still be coming.
  const isStrange = stream.strangeSinceMs >= 0 && nowMs - stream.strangeMs < timing.watchMs * 2;
  if (isStrange && nowMs - stream.strangeSinceMs >= timing.wrongSessionMs) {
    return leave(state, new NvrError('unavailable', 'The camera streams to another session'), nowMs);
  }
  let { noticeMs } = state;
  if (noticeMs !== null && nowMs - noticeMs >= timing.closingNoticeMs) {
    if (stream.mediaMs <= noticeMs) return leave(state, new NvrError('unavailable', 'The camera is going away'), nowMs);
    noticeMs = null;
  }
  const needsBurst = pictureAgeMs >= timing.watchdogBurstMs && !state.isBurstSent;
  const isBurstSent = pictureAgeMs >= timing.watchdogBurstMs;
  // The same sum as in nextLookMs: a difference may round the other way, and the timer would never be due.
  const isDue = needsBurst || nowMs >= state.sentMs + timing.heartbeatMs;
  const sentMs = isDue ? nowMs : state.sentMs;
  const later = { ...state, noticeMs, isBurstSent, sentMs, deadlineMs: nextLookMs(sentMs, nowMs) };
  return isDue ? { state: later, effects: [sendLive(state.peer, state.session)] } : stay(later);
}

/** Soon enough for the watchdog, and never past the next heartbeat. */
function nextLookMs(sentMs: number, nowMs: number): number {
  return Math.min(nowMs + timing.watchMs, sentMs + timing.heartbeatMs);
}

/** A control packet of this session from the camera's media port. */
function controlOf(state: In<'starting'> | In<'streaming'>, event: Event): Control | null {
  if (event.kind !== 'packet') return null;
  const { packet, from } = event;
  if (packet.kind !== 'command' && packet.kind !== 'answer') return null;
  return packet.session === state.session && isSameEndpoint(from, mediaEndpoint(state.peer)) ? packet : null;
}

function isClose(control: Control | null): boolean {
  return control?.kind === 'command' && control.type === controlType.close;
}

function endedByCamera(state: In<'starting'> | In<'streaming'>): Step {
  const bytes = encodeAnswer(state.session, controlType.close, 1);
  const { state: ended, effects } = end(new NvrError('unavailable', 'The camera ended the session'));
  const answer: Effect = { kind: 'send', bytes, to: mediaEndpoint(state.peer), atMs: [0] };
  return { state: ended, effects: [answer, { kind: 'remember', session: null }, ...effects] };
}
