// The rows of all cameras on a canvas: looking, zooming, playing and selecting by mouse, touch and keys.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import { cameras } from '../cameras.ts';
import * as format from '../format.ts';
import { AXIS_HEIGHT, type Colors, drawAxis, drawRows, prepare, ROW_HEIGHT, readColors } from './draw.ts';
import { foundSentence } from './gap-text.ts';
import { type GestureEffect, type GestureState, nextGesture, wheelFactor } from './gestures.ts';
import { hovered } from './hover.tsx';
import { handleKey } from './keys.ts';
import { atOf, lengthOf, panBy, pinch, xOf, zoomAround } from './scale.ts';
import { dragTo, type Hold, holdAt } from './selection.ts';
import { EMPTY_ROW, findAt } from './spans.ts';
import { StatusDot } from './status-dot.tsx';
import type { TimelineStore } from './store.ts';
import { chooseTicks, dayLabel } from './ticks.ts';

/** What counts as hit: a mouse is more exact than a finger. */
const MOUSE_SLACK = 7;
const TOUCH_SLACK = 18;
const GAP_SLACK = 4;
const MARK_SLACK = 6;

export function Tracks({ store }: { store: TimelineStore }) {
  const list = cameras.value ?? [];
  const box = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLCanvasElement>(null);
  const rows = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const colors = useRef<Colors | null>(null);
  const [theme, setTheme] = useState(0);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setTheme((count) => count + 1);
    dark.addEventListener('change', changed);
    return () => {
      observer.disconnect();
      dark.removeEventListener('change', changed);
      hovered.value = null;
    };
  }, []);

  useLayoutEffect(() => {
    if (box.current) colors.current = readColors(box.current);
  }, [theme]);

  const gestures = useGestures(store, box, list, width);
  useWheel(store, box);

  const view = store.view.value;
  const now = store.now.value;
  const hover = hovered.value;
  const position = store.mode.value === 'recorded' ? store.position.value : null;
  const chosen = store.camera.value;
  const data = store.rows.rows.value;
  const marks = store.rows.marks.value;
  const selection = store.selection.value;

  useLayoutEffect(() => {
    if (!axis.current || !rows.current || !colors.current || width === 0) return;
    const ticks = chooseTicks(view, width);
    const hoverAt = hover?.at ?? null;
    const scene = { view, width, colors: colors.current, ticks, now, position, hoverAt, selection };
    const onAxis = prepare(axis.current, width, AXIS_HEIGHT);
    if (onAxis) drawAxis(onAxis, scene, dayLabel(view));
    const onRows = prepare(rows.current, width, list.length * ROW_HEIGHT);
    if (!onRows) return;
    const drawn = list.map(({ id }) => ({
      row: data.get(id) ?? EMPTY_ROW,
      chosen: id === chosen?.id,
      marks: marks.filter(({ camera }) => camera === id).map(({ at }) => at),
    }));
    drawRows(onRows, scene, drawn);
  });

  const at = position ?? now;
  const found = findAt((chosen && data.get(chosen.id)) || EMPTY_ROW, at, now, 0);
  const text = position === null ? 'Live' : `${format.instant(at)}. ${foundSentence(found)}`;
  return (
    <div class="tl">
      <div class="tl-names">
        <div class="tl-corner" aria-hidden="true" />
        {list.map((camera) => (
          <button
            type="button"
            key={camera.id}
            class="tl-name"
            aria-pressed={camera.id === chosen?.id}
            title={camera.name}
            onClick={() => store.choose(camera.id)}
          >
            <StatusDot camera={camera} />
            <span>{camera.name}</span>
          </button>
        ))}
      </div>
      <div
        class={`tl-tracks${store.selecting.value ? ' selecting' : ''}`}
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`Timeline of ${chosen?.name ?? 'no camera'}`}
        aria-valuemin={Math.round(view.from)}
        aria-valuemax={Math.round(view.to)}
        aria-valuenow={Math.round(at)}
        aria-valuetext={text}
        aria-describedby="tl-keys"
        data-from={Math.round(view.from)}
        data-to={Math.round(view.to)}
        data-position={position === null ? 'live' : Math.round(position)}
        onKeyDown={(event) => handleKey(event, store)}
        {...gestures}
      >
        <canvas class="tl-axis" ref={axis} style={{ height: `${AXIS_HEIGHT}px` }} />
        <canvas ref={rows} style={{ height: `${list.length * ROW_HEIGHT}px` }} />
      </div>
      <p class="off-screen" id="tl-keys">
        Arrow keys move in time and between cameras, plus and minus zoom, Space plays and pauses, End is live.
      </p>
    </div>
  );
}

function useWheel(store: TimelineStore, box: { readonly current: HTMLDivElement | null }): void {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const turn = (event: WheelEvent) => {
      event.preventDefault();
      const view = store.view.peek();
      const { left, width } = element.getBoundingClientRect();
      const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (sideways) {
        const pixels = (event.deltaX || event.deltaY) * (event.deltaMode === 1 ? 16 : 1);
        store.look(panBy(view, (pixels / width) * lengthOf(view), store.limits()));
      } else {
        const at = atOf(view, width, event.clientX - left);
        const factor = wheelFactor(event.deltaY, event.deltaMode, event.ctrlKey);
        store.look(zoomAround(view, at, factor, store.limits()), at);
      }
    };
    // Preact's listeners are passive for wheels in some browsers.
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [store]);
}

function useGestures(
  store: TimelineStore,
  box: { readonly current: HTMLDivElement | null },
  list: readonly CameraInfo[],
  width: number,
) {
  const state = useRef<GestureState>({ kind: 'idle' });
  const hold = useRef<Hold | null>(null);
  const slack = useRef(MOUSE_SLACK);

  const place = (event: PointerEvent) => {
    const { left, top } = box.current?.getBoundingClientRect() ?? { left: 0, top: 0 };
    return { id: event.pointerId, x: event.clientX - left, y: event.clientY - top };
  };
  const at = (x: number) => atOf(store.view.peek(), width, x);
  const msOf = (pixels: number) => (pixels / Math.max(1, width)) * lengthOf(store.view.peek());
  /** Under the axis, which stays at the top while the rows scroll below it. */
  const rowAt = (y: number) => {
    const n = Math.floor((y - AXIS_HEIGHT) / ROW_HEIGHT);
    return y >= AXIS_HEIGHT ? list[n] : undefined;
  };

  function carryOut(effect: GestureEffect): void {
    const limits = store.limits();
    switch (effect.kind) {
      case 'click': {
        const camera = rowAt(effect.y);
        if (camera) store.cameraId.value = camera.id;
        store.play(at(effect.x));
        break;
      }
      case 'pan':
        store.look(panBy(store.view.peek(), -msOf(effect.byX), limits));
        break;
      case 'pinch':
        store.look(pinch(store.view.peek(), width, effect.before, effect.after, limits));
        break;
      case 'scrub':
        store.scrub(at(effect.x), effect.done);
        break;
      case 'selectStart': {
        const camera = rowAt(effect.y);
        const isHere = !camera || camera.id === store.camera.peek()?.id;
        hold.current = isHere ? holdAt(store.selection.peek(), at(effect.x), msOf(slack.current)) : null;
        if (hold.current) break;
        if (camera) store.choose(camera.id);
        hold.current = { kind: 'edge', edge: 'to', fixed: at(effect.x) };
        break;
      }
      case 'selectMove':
        if (hold.current) store.select(dragTo(hold.current, at(effect.x), store.rows.now()));
        break;
      case 'selectEnd':
        hold.current = null;
    }
  }

  function step(event: Parameters<typeof nextGesture>[1]): void {
    const next = nextGesture(state.current, event);
    state.current = next.state;
    for (const effect of next.effects) carryOut(effect);
  }

  function hover(event: PointerEvent): void {
    const point = place(event);
    const camera = rowAt(point.y);
    if (!camera || event.pointerType === 'touch' || state.current.kind !== 'idle') {
      hovered.value = null;
      return;
    }
    const moment = at(point.x);
    const found = findAt(store.rows.row(camera.id), moment, store.rows.now(), msOf(GAP_SLACK));
    const mark = store.rows.marks
      .peek()
      .find((one) => one.camera === camera.id && Math.abs(one.at - moment) < msOf(MARK_SLACK));
    const row = Math.floor((point.y - AXIS_HEIGHT) / ROW_HEIGHT) * ROW_HEIGHT + AXIS_HEIGHT;
    const top = event.clientY - point.y + row;
    hovered.value = { at: moment, camera, found, mark: mark ?? null, x: event.clientX, top };
  }

  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      slack.current = event.pointerType === 'touch' ? TOUCH_SLACK : MOUSE_SLACK;
      const point = place(event);
      const camera = rowAt(point.y);
      const isChosen = camera !== undefined && camera.id === store.camera.peek()?.id;
      const onHandle = isChosen && holdAt(store.selection.peek(), at(point.x), msOf(slack.current))?.kind === 'edge';
      const position = store.mode.peek() === 'recorded' ? xOf(store.view.peek(), width, store.position.peek()) : null;
      const onMarker =
        !onHandle && position !== null && camera === undefined && Math.abs(position - point.x) < slack.current * 1.5;
      const mode = event.shiftKey || store.selecting.peek() || onHandle ? 'select' : 'browse';
      box.current?.setPointerCapture(event.pointerId);
      step({ kind: 'down', point, mode, onMarker });
      hovered.value = null;
    },
    onPointerMove: (event: PointerEvent) => {
      step({ kind: 'move', point: place(event) });
      hover(event);
    },
    onPointerUp: (event: PointerEvent) => {
      step({ kind: 'up', point: place(event) });
      box.current?.focus({ preventScroll: true });
    },
    onPointerCancel: () => step({ kind: 'cancel' }),
    onPointerLeave: () => {
      hovered.value = null;
    },
  };
}
