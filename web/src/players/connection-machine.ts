// The one socket's life as a pure machine: when to dial, when to wait, when to give up on WebSockets.

/**
 * `fallback`: WebSockets do not get through (a proxy eats them) though Perch answers; plain HTTP pictures are shown.
 * An idle connection remembers that (`plain`), so that the next page need not find out again.
 */
export type ConnectionState =
  | { readonly kind: 'idle'; readonly plain: boolean }
  | { readonly kind: 'opening'; readonly failures: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'waiting'; readonly failures: number }
  | { readonly kind: 'fallback' };

export type ConnectionEvent =
  | { readonly kind: 'wanted' }
  | { readonly kind: 'unwanted' }
  | { readonly kind: 'opened' }
  /** `answers`: whether Perch is known to answer by other ways. */
  | { readonly kind: 'closed'; readonly answers: boolean }
  | { readonly kind: 'due' };

/** `retry` asks for a `due` event after `delayMs` (jitter is the caller's). */
export type ConnectionEffect =
  | { readonly kind: 'dial' }
  | { readonly kind: 'hangUp' }
  | { readonly kind: 'retry'; readonly delayMs: number };

export type ConnectionStep = { readonly state: ConnectionState; readonly effects: readonly ConnectionEffect[] };

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;
const FALLBACK_RETRY_MS = 60_000;
/** Tries that never opened before plain pictures are shown. */
export const FALLBACK_AFTER = 3;

const DIAL: ConnectionEffect = { kind: 'dial' };
const HANG_UP: ConnectionEffect = { kind: 'hangUp' };

function waiting(failures: number): ConnectionStep {
  const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1));
  return { state: { kind: 'waiting', failures }, effects: [{ kind: 'retry', delayMs }] };
}

/** The next state and what to do; an event that means nothing in a state changes nothing. */
export function nextConnection(state: ConnectionState, event: ConnectionEvent): ConnectionStep {
  if (event.kind === 'unwanted') {
    if (state.kind === 'idle') return { state, effects: [] };
    return { state: { kind: 'idle', plain: state.kind === 'fallback' }, effects: [HANG_UP] };
  }
  switch (state.kind) {
    case 'idle':
      if (event.kind === 'wanted' && state.plain) {
        return { state: { kind: 'fallback' }, effects: [{ kind: 'retry', delayMs: FALLBACK_RETRY_MS }] };
      }
      if (event.kind === 'wanted') return { state: { kind: 'opening', failures: 0 }, effects: [DIAL] };
      break;
    case 'opening':
      if (event.kind === 'opened') return { state: { kind: 'open' }, effects: [] };
      if (event.kind === 'closed') {
        const failures = state.failures + 1;
        if (failures < FALLBACK_AFTER || !event.answers) return waiting(failures);
        return { state: { kind: 'fallback' }, effects: [{ kind: 'retry', delayMs: FALLBACK_RETRY_MS }] };
      }
      break;
    case 'open':
      if (event.kind === 'closed') return waiting(1);
      break;
    case 'waiting':
      if (event.kind === 'due') return { state: { kind: 'opening', failures: state.failures }, effects: [DIAL] };
      break;
    case 'fallback':
      // Stays on plain pictures unless the socket really opens.
      if (event.kind === 'due') return { state, effects: [DIAL] };
      if (event.kind === 'opened') return { state: { kind: 'open' }, effects: [] };
      if (event.kind === 'closed') return { state, effects: [{ kind: 'retry', delayMs: FALLBACK_RETRY_MS }] };
      break;
  }
  return { state, effects: [] };
}
