// What keys do on the timeline page.

import { cameras } from '../cameras.ts';
import { dayOf, spanOf } from '../day.ts';
import { lengthOf, panBy, zoomAround } from './scale.ts';
import { withEdge } from './selection.ts';
import { SPEEDS, type TimelineStore } from './store.ts';
import { chooseKeyStep } from './ticks.ts';

const ZOOM = 0.6;
const BIG = 6;
/** Length of a selection that begins with one key. */
const SELECTION_SHARE = 0.1;

/** The keys in words, for people. */
export const KEYS: readonly (readonly [string, string])[] = [
  ['Space', 'play and pause'],
  ['← →', 'a step back and forward; with Shift a large one'],
  ['↑ ↓', 'the camera above and below'],
  ['+ −', 'zoom in and out'],
  ['Page ↑ Page ↓', 'earlier and later, without playing'],
  ['Home', 'the begin of the day'],
  ['End', 'live'],
  [', .', 'one picture back and forward'],
  ['< >', 'slower and faster'],
  ['P N', 'previous and next recording'],
  ['[ ]', 'begin and end of what to export'],
  ['Esc', 'select nothing'],
  ['M', 'sound on and off'],
  ['F', 'full screen'],
];

/** Carries out a key. @returns whether it was one of ours */
export function keyDown(key: string, shift: boolean, store: TimelineStore): boolean {
  const view = store.view.peek();
  const live = store.mode.peek() === 'live';
  const at = live ? store.rows.now() : store.position.peek();
  const step = chooseKeyStep(view) * (shift ? BIG : 1);
  const zoom = (factor: number) => {
    const around = at >= view.from && at <= view.to ? at : (view.from + view.to) / 2;
    store.look(zoomAround(view, around, factor, store.limits()), around);
  };
  switch (key) {
    case 'ArrowLeft':
      store.skip(-step);
      return true;
    case 'ArrowRight':
      if (!live) store.skip(step);
      return true;
    case 'ArrowUp':
    case 'ArrowDown': {
      const list = cameras.peek() ?? [];
      const now = list.findIndex(({ id }) => id === store.camera.peek()?.id);
      const next = list[now + (key === 'ArrowUp' ? -1 : 1)];
      if (next) store.choose(next.id);
      return true;
    }
    case '+':
    case '=':
      zoom(ZOOM);
      return true;
    case '-':
    case '_':
      zoom(1 / ZOOM);
      return true;
    case 'PageUp':
    case 'PageDown':
      store.look(panBy(view, lengthOf(view) * (key === 'PageUp' ? -0.8 : 0.8), store.limits()));
      return true;
    case 'Home':
      store.play(Math.max(spanOf(dayOf(at)).from, 0), store.playing.peek());
      return true;
    case 'End':
      store.goLive();
      return true;
    case ' ':
    case 'k':
      store.toggle();
      return true;
    case ',':
      store.step(-1);
      return true;
    case '.':
      store.step(1);
      return true;
    case '<':
    case '>': {
      const n = (SPEEDS as readonly number[]).indexOf(store.rate.peek()) + (key === '>' ? 1 : -1);
      const next = SPEEDS[n];
      if (next !== undefined && !live) store.setRate(next);
      return true;
    }
    case 'p':
    case 'n':
      void store.nextSegment(key === 'n' ? 1 : -1);
      return true;
    case '[':
    case ']': {
      const edge = key === '[' ? 'from' : 'to';
      store.select(withEdge(store.selection.peek(), edge, at, store.rows.now(), lengthOf(view) * SELECTION_SHARE));
      return true;
    }
    case 'Escape':
      if (!store.selection.peek() && !store.selecting.peek()) return false;
      store.selection.value = null;
      store.selecting.value = false;
      return true;
    case 'm':
      store.setSound(store.volume.peek(), !store.muted.peek());
      return true;
    case 'f':
      store.fullScreen();
      return true;
    default:
      return false;
  }
}

/** What uses keys itself. */
const TAKERS = 'input, select, textarea, button, a, summary, dialog, [role="slider"]';

/** Keys that scroll the page, unless the timeline itself has the focus. */
const SCROLLS = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End']);

/** Keys anywhere on the page, as long as nothing else there wants them. @returns the way to stop */
export function hearKeys(store: TimelineStore): () => void {
  const hear = (event: KeyboardEvent) => {
    const { target } = event;
    // In full screen there is nothing else to press, and nothing to scroll.
    const isFull = document.fullscreenElement !== null;
    const taken = (SCROLLS.has(event.key) && !isFull) || (target instanceof Element && target.closest(TAKERS) !== null);
    if (!taken && !event.defaultPrevented && document.querySelector('dialog[open]') === null) handleKey(event, store);
  };
  document.addEventListener('keydown', hear);
  return () => document.removeEventListener('keydown', hear);
}

/** A key on the timeline itself. */
export function handleKey(event: KeyboardEvent, store: TimelineStore): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!keyDown(key, event.shiftKey, store)) return;
  event.preventDefault();
  event.stopPropagation();
}
