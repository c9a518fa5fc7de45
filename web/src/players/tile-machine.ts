// What one live picture is: nothing yet, moving, or old. Pure. An old picture must never look live.

/** `shownAt` is this device's monotonic time; `takenAt` and `since` are the server's wall clock. Milliseconds. */
export type TileState =
  | { readonly kind: 'blank' }
  | { readonly kind: 'moving'; readonly shownAt: number; readonly takenAt: number }
  | { readonly kind: 'stale'; readonly since: number };

export type TileEvent =
  /** A picture was drawn; `old` when the server says that it is not of now. */
  | { readonly kind: 'picture'; readonly shownAt: number; readonly takenAt: number; readonly old: boolean }
  /** Time went on; `limitMs` is how long a picture may stand still. */
  | { readonly kind: 'tick'; readonly at: number; readonly limitMs: number }
  /** The camera or the socket is gone: no need to wait. */
  | { readonly kind: 'lost' };

const STILL_MIN_MS = 5_000;
const STILL_MAX_MS = 60_000;
const STILL_INTERVALS = 3;

/** How long a picture may stand still before it is old, by the camera's pictures per second. */
export function stillLimitMs(frameRate: number): number {
  if (!(frameRate > 0)) return STILL_MIN_MS;
  return Math.min(STILL_MAX_MS, Math.max(STILL_MIN_MS, (STILL_INTERVALS * 1000) / frameRate));
}

export function nextTile(state: TileState, event: TileEvent): TileState {
  switch (event.kind) {
    case 'picture':
      if (event.old) return { kind: 'stale', since: event.takenAt };
      return { kind: 'moving', shownAt: event.shownAt, takenAt: event.takenAt };
    case 'lost':
      return state.kind === 'moving' ? { kind: 'stale', since: state.takenAt } : state;
    case 'tick': {
      const still = state.kind === 'moving' && event.at - state.shownAt > event.limitMs;
      return still ? { kind: 'stale', since: state.takenAt } : state;
    }
  }
}
