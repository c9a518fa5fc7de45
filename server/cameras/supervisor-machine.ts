// When to dial, leave, wait: the life of one camera's connection as a pure machine. Times are monotonic milliseconds.

import type { CoolDownReason } from '../core/camera-status.ts';
import type { ErrorCode } from '../core/nvr-error.ts';
import { type RetryPolicy, retryDelayMs } from '../core/retry.ts';

/** Back-off between dials: full jitter, doubling. */
export const BACK_OFF: RetryPolicy = { minMs: 1000, maxMs: 60_000 };
/** Frames must flow this long before the back-off starts from the bottom again. */
export const HEALTHY_AFTER_MS = 30_000;
/** Wrong credentials: a slow retry, for the password may be mended on the camera's side. */
export const REFUSED_RETRY_MS = 15 * 60_000;
/** Every so many failed dials in a row, the driver is asked to find the camera's new address. */
export const LOCATE_EVERY_DIALS = 3;

/** What ended a session or a dial. */
export type Failure = { readonly code: ErrorCode; readonly message: string };

/** Where the connection is. `attempt` counts tries since the last healthy stretch, `failedDials` dials without a frame. */
export type SupervisorState =
  | { readonly kind: 'disabled' }
  | { readonly kind: 'connecting'; readonly attempt: number; readonly failedDials: number }
  | { readonly kind: 'live'; readonly attempt: number; readonly sinceMs: number }
  | {
      readonly kind: 'coolingDown';
      readonly untilMs: number;
      readonly attempt: number;
      readonly failedDials: number;
      readonly reason: CoolDownReason;
    }
  | { readonly kind: 'backingOff'; readonly untilMs: number; readonly attempt: number; readonly failedDials: number }
  | { readonly kind: 'refused'; readonly untilMs: number };

/** What happened. `random` is uniform in [0, 1): the machine itself rolls no dice. */
export type SupervisorEvent =
  | { readonly kind: 'enable' }
  | { readonly kind: 'disable' }
  /** The user asked, or the settings changed: dial at once, whatever the wait. */
  | { readonly kind: 'restart' }
  | { readonly kind: 'release'; readonly untilMs: number }
  | { readonly kind: 'firstFrame'; readonly nowMs: number }
  /** The dial failed or the session is over; `coolDownMs` when the driver asked for silence. */
  | {
      readonly kind: 'ended';
      readonly nowMs: number;
      readonly failure: Failure;
      readonly coolDownMs: number | null;
      /** When the session's last picture came, `null` without one: the silence after it is not a healthy stretch. */
      readonly lastPictureMs: number | null;
      readonly random: number;
    }
  /** The address was found to have changed and is stored. */
  | { readonly kind: 'located' }
  | { readonly kind: 'timer'; readonly nowMs: number };

/** What to do about it, in order. `dial` waits until the session before is gone: one login at a time. */
export type SupervisorEffect =
  | { readonly kind: 'dial' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'wake'; readonly atMs: number }
  | { readonly kind: 'locate' };

/** The new state and what to do. */
export type SupervisorStep = { readonly state: SupervisorState; readonly effects: readonly SupervisorEffect[] };

/** Where every camera begins. */
export const initialState: SupervisorState = { kind: 'disabled' };

const stay = (state: SupervisorState): SupervisorStep => ({ state, effects: [] });

/** One step. Events that make no sense in a state leave it as it is. */
export function next(state: SupervisorState, event: SupervisorEvent): SupervisorStep {
  switch (event.kind) {
    case 'enable':
      return state.kind === 'disabled' ? dial(0, 0) : stay(state);
    case 'disable':
      if (state.kind === 'disabled') return stay(state);
      return { state: initialState, effects: isConnected(state) ? [{ kind: 'leave' }] : [] };
    case 'restart':
      if (state.kind === 'disabled') return stay(state);
      return isConnected(state)
        ? { state: { kind: 'connecting', attempt: 0, failedDials: 0 }, effects: [{ kind: 'leave' }, { kind: 'dial' }] }
        : dial(0, 0);
    case 'release': {
      if (state.kind === 'disabled') return stay(state);
      const wake: SupervisorEffect = { kind: 'wake', atMs: event.untilMs };
      return {
        state: { kind: 'coolingDown', untilMs: event.untilMs, attempt: 0, failedDials: 0, reason: 'released' },
        effects: isConnected(state) ? [{ kind: 'leave' }, wake] : [wake],
      };
    }
    case 'firstFrame':
      if (state.kind !== 'connecting') return stay(state);
      return stay({ kind: 'live', attempt: state.attempt, sinceMs: event.nowMs });
    case 'ended':
      return isConnected(state) ? afterEnd(state, event) : stay(state);
    case 'located':
      return state.kind === 'backingOff' ? dial(state.attempt, 0) : stay(state);
    case 'timer':
      if (!('untilMs' in state)) return stay(state);
      if (event.nowMs < state.untilMs) return { state, effects: [{ kind: 'wake', atMs: state.untilMs }] };
      return state.kind === 'refused' ? dial(0, 0) : dial(state.attempt, state.failedDials);
  }
}

function isConnected(state: SupervisorState): state is SupervisorState & { kind: 'connecting' | 'live' } {
  return state.kind === 'connecting' || state.kind === 'live';
}

function dial(attempt: number, failedDials: number): SupervisorStep {
  return { state: { kind: 'connecting', attempt, failedDials }, effects: [{ kind: 'dial' }] };
}

function afterEnd(
  state: SupervisorState & { kind: 'connecting' | 'live' },
  event: SupervisorEvent & { kind: 'ended' },
): SupervisorStep {
  const { nowMs, failure, coolDownMs, lastPictureMs, random } = event;
  if (failure.code === 'refused' || failure.code === 'bad_input') {
    const untilMs = nowMs + REFUSED_RETRY_MS;
    return { state: { kind: 'refused', untilMs }, effects: [{ kind: 'wake', atMs: untilMs }] };
  }
  const wasHealthy = state.kind === 'live' && (lastPictureMs ?? state.sinceMs) - state.sinceMs >= HEALTHY_AFTER_MS;
  const attempt = wasHealthy ? 0 : state.attempt;
  const failedDials = state.kind === 'connecting' ? state.failedDials + 1 : 0;
  const locate: SupervisorEffect[] =
    failedDials > 0 && failedDials % LOCATE_EVERY_DIALS === 0 ? [{ kind: 'locate' }] : [];
  if (coolDownMs !== null) {
    const untilMs = nowMs + coolDownMs;
    return {
      state: { kind: 'coolingDown', untilMs, attempt: attempt + 1, failedDials, reason: 'stalePort' },
      effects: [{ kind: 'wake', atMs: untilMs }, ...locate],
    };
  }
  const untilMs = nowMs + retryDelayMs(BACK_OFF, attempt, random);
  return {
    state: { kind: 'backingOff', untilMs, attempt: attempt + 1, failedDials },
    effects: [{ kind: 'wake', atMs: untilMs }, ...locate],
  };
}
