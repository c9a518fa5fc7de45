// What presses, drags, fingers and wheels on the timeline mean. Pure: `next(state, event)` gives the new state and what is
// to be done. Positions are pixels from the left edge of the tracks.

/** What a press may begin. `scrub`: the playing marker was taken. */
export type Mode = 'browse' | 'select';
type Point = { readonly id: number; readonly x: number; readonly y: number };

export type GestureState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'pressed'; readonly start: Point; readonly mode: Mode; readonly onMarker: boolean }
  | { readonly kind: 'panning'; readonly id: number; readonly x: number }
  | { readonly kind: 'selecting'; readonly id: number }
  | { readonly kind: 'scrubbing'; readonly id: number }
  | { readonly kind: 'pinching'; readonly a: Point; readonly b: Point }
  /** A finger of a pinch is left: it neither pans nor clicks. */
  | { readonly kind: 'spent' };

export type GestureEvent =
  | { readonly kind: 'down'; readonly point: Point; readonly mode: Mode; readonly onMarker: boolean }
  | { readonly kind: 'move'; readonly point: Point }
  | { readonly kind: 'up'; readonly point: Point }
  | { readonly kind: 'cancel' };

export type GestureEffect =
  | { readonly kind: 'click'; readonly x: number; readonly y: number }
  | { readonly kind: 'pan'; readonly byX: number }
  | { readonly kind: 'pinch'; readonly before: readonly [number, number]; readonly after: readonly [number, number] }
  | { readonly kind: 'selectStart' | 'selectMove'; readonly x: number; readonly y: number }
  | { readonly kind: 'selectEnd' }
  | { readonly kind: 'scrub'; readonly x: number; readonly done: boolean };

/** Less than this is a click with an unsteady hand. */
export const DRAG_PIXELS = 5;

type Step = { readonly state: GestureState; readonly effects: readonly GestureEffect[] };
const idle: GestureState = { kind: 'idle' };
const only = (state: GestureState, ...effects: GestureEffect[]): Step => ({ state, effects });

export function nextGesture(state: GestureState, event: GestureEvent): Step {
  if (event.kind === 'cancel')
    return only(idle, ...(state.kind === 'selecting' ? [{ kind: 'selectEnd' } as const] : []));
  switch (event.kind) {
    case 'down':
      return down(state, event);
    case 'move':
      return move(state, event.point);
    case 'up':
      return up(state, event.point);
  }
}

function down(state: GestureState, { point, mode, onMarker }: Extract<GestureEvent, { kind: 'down' }>): Step {
  switch (state.kind) {
    case 'idle':
      return only({ kind: 'pressed', start: point, mode, onMarker });
    case 'pressed':
      return only({ kind: 'pinching', a: state.start, b: point });
    case 'panning':
      return only({ kind: 'pinching', a: { id: state.id, x: state.x, y: point.y }, b: point });
    default:
      return only(state);
  }
}

function move(state: GestureState, point: Point): Step {
  switch (state.kind) {
    case 'pressed': {
      const { start, mode, onMarker } = state;
      if (point.id !== start.id || Math.abs(point.x - start.x) < DRAG_PIXELS) return only(state);
      if (onMarker) return only({ kind: 'scrubbing', id: point.id }, { kind: 'scrub', x: point.x, done: false });
      if (mode === 'browse') {
        return only({ kind: 'panning', id: point.id, x: point.x }, { kind: 'pan', byX: point.x - start.x });
      }
      return only(
        { kind: 'selecting', id: point.id },
        { kind: 'selectStart', x: start.x, y: start.y },
        { kind: 'selectMove', x: point.x, y: point.y },
      );
    }
    case 'panning':
      if (point.id !== state.id) return only(state);
      return only({ ...state, x: point.x }, { kind: 'pan', byX: point.x - state.x });
    case 'selecting':
      return point.id === state.id ? only(state, { kind: 'selectMove', x: point.x, y: point.y }) : only(state);
    case 'scrubbing':
      return point.id === state.id ? only(state, { kind: 'scrub', x: point.x, done: false }) : only(state);
    case 'pinching': {
      const { a, b } = state;
      if (point.id !== a.id && point.id !== b.id) return only(state);
      const next = point.id === a.id ? { ...state, a: point } : { ...state, b: point };
      return only(next, { kind: 'pinch', before: [a.x, b.x], after: [next.a.x, next.b.x] });
    }
    default:
      return only(state);
  }
}

function up(state: GestureState, point: Point): Step {
  switch (state.kind) {
    case 'pressed':
      return point.id === state.start.id
        ? only(idle, { kind: 'click', x: state.start.x, y: state.start.y })
        : only(state);
    case 'panning':
      return point.id === state.id ? only(idle) : only(state);
    case 'selecting':
      return point.id === state.id ? only(idle, { kind: 'selectEnd' }) : only(state);
    case 'scrubbing':
      return point.id === state.id ? only(idle, { kind: 'scrub', x: point.x, done: true }) : only(state);
    case 'pinching':
      return only({ kind: 'spent' });
    default:
      return only(idle);
  }
}

/** How much a turn of the wheel zooms: pixels, lines or pages, from mice and touch pads. */
export function wheelFactor(deltaY: number, deltaMode: number, ctrl: boolean): number {
  const pixels = deltaY * (deltaMode === 1 ? 16 : deltaMode === 2 ? 400 : 1);
  // A touch pad's pinch comes as small steps with the control key.
  return Math.exp(Math.max(-1, Math.min(1, pixels * (ctrl ? 0.01 : 0.0025))));
}
