// Draws the axis and the rows on canvases. Everything it needs comes in; it asks nothing.

import { lengthOf, type View, xOf } from './scale.ts';
import { type GapSpan, mergeForPixels, type Row, type Span } from './spans.ts';
import type { Tick } from './ticks.ts';

export const AXIS_HEIGHT = 42;
/** Middles of the line with days and of the one with hours. */
const DAY_Y = 11;
const HOUR_Y = 25;
export const ROW_HEIGHT = 40;
const BAR_TOP = 9;
const BAR_HEIGHT = ROW_HEIGHT - 2 * BAR_TOP;
/** A recording or a gap that is shorter than a pixel is still there. */
const MIN_WIDTH = 1.5;
const HANDLE_WIDTH = 8;
const HATCH_STEP = 6;

export type Colors = Readonly<
  Record<
    | 'ground'
    | 'surface'
    | 'sunken'
    | 'line'
    | 'lineStrong'
    | 'ink'
    | 'inkSoft'
    | 'inkFaint'
    | 'accent'
    | 'accentStrong'
    | 'accentInk'
    | 'accentWash'
    | 'bad'
    | 'busy'
    | 'off'
    | 'font',
    string
  >
>;

export type Scene = {
  readonly view: View;
  readonly width: number;
  readonly colors: Colors;
  readonly ticks: readonly Tick[];
  readonly now: number;
  /** The moment of the picture; `null` while it is live. */
  readonly position: number | null;
  readonly hoverAt: number | null;
  readonly selection: Span | null;
};

export type SceneRow = {
  readonly row: Row;
  readonly chosen: boolean;
  readonly marks: readonly number[];
};

/** Gaps that are nobody's fault. */
const CALM = new Set(['cameraDisabled', 'released', 'deleted', 'clockStep']);

/** The palette of the page as it is now: light or dark. */
export function readColors(element: Element): Colors {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim() || '#888';
  return {
    ground: color('ground'),
    surface: color('surface'),
    sunken: color('sunken'),
    line: color('line'),
    lineStrong: color('line-strong'),
    ink: color('ink'),
    inkSoft: color('ink-soft'),
    inkFaint: color('ink-faint'),
    accent: color('accent'),
    accentStrong: color('accent-strong'),
    accentInk: color('accent-ink'),
    accentWash: color('accent-wash'),
    bad: color('bad'),
    busy: color('busy'),
    off: color('off'),
    font: style.fontFamily,
  };
}

/** Makes a canvas as sharp as the screen. @returns what to draw on, in CSS pixels */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = Math.min(3, globalThis.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Lines one pixel wide are sharp between pixels. */
const sharp = (x: number) => Math.round(x) + 0.5;

function line(context: CanvasRenderingContext2D, x: number, top: number, bottom: number): void {
  context.beginPath();
  context.moveTo(sharp(x), top);
  context.lineTo(sharp(x), bottom);
  context.stroke();
}

export function drawAxis(context: CanvasRenderingContext2D, scene: Scene, dayText: string): void {
  const { view, width, colors, ticks, now, position } = scene;
  const x = (at: number) => xOf(view, width, at);
  context.font = `12px ${colors.font}`;
  context.textBaseline = 'middle';
  // The day that begins left of the view; pushed away by the next one.
  const firstDay = ticks.find(({ kind }) => kind === 'day');
  context.font = `600 12px ${colors.font}`;
  context.fillStyle = colors.ink;
  const free = firstDay ? x(firstDay.at) : Number.POSITIVE_INFINITY;
  if (free > context.measureText(dayText).width + 14) context.fillText(dayText, 6, DAY_Y);
  let freeFrom = 2;
  const [one, other] = ticks.filter(({ label, kind }) => label !== '' && kind !== 'day');
  const apart = one && other ? x(other.at) - x(one.at) : Number.POSITIVE_INFINITY;
  for (const { at, label, kind } of ticks) {
    const left = x(at);
    context.strokeStyle = kind === 'minor' ? colors.line : colors.lineStrong;
    context.lineWidth = 1;
    if (kind === 'day') line(context, left, 0, AXIS_HEIGHT);
    else line(context, left, AXIS_HEIGHT - (kind === 'minor' ? 5 : 9), AXIS_HEIGHT);
    if (label === '') continue;
    context.font = `${kind === 'day' ? 600 : 400} 12px ${colors.font}`;
    context.fillStyle = kind === 'day' ? colors.ink : colors.inkFaint;
    const wide = context.measureText(label).width;
    if (kind === 'day') {
      if (left + wide + 10 < width || left < width / 2) context.fillText(label, left + 6, DAY_Y);
      continue;
    }
    // Where labels are few (on a phone) one at the edge stands beside its line rather than not at all.
    const middle = left - wide / 2;
    const begin = Math.max(2, Math.min(width - 2 - wide, middle));
    const isFree = begin >= freeFrom && left >= 0 && left <= width;
    if (!isFree || (begin !== middle && apart < 2 * wide)) continue;
    context.fillText(label, begin, HOUR_Y);
    freeFrom = begin + wide + 10;
  }
  flag(context, x(now), colors.bad, width);
  if (position !== null) flag(context, x(position), colors.ink, width);
}

function flag(context: CanvasRenderingContext2D, x: number, color: string, width: number): void {
  if (x < -8 || x > width + 8) return;
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x - 6, AXIS_HEIGHT - 9);
  context.lineTo(x + 6, AXIS_HEIGHT - 9);
  context.lineTo(x + 6, AXIS_HEIGHT - 5);
  context.lineTo(x, AXIS_HEIGHT);
  context.lineTo(x - 6, AXIS_HEIGHT - 5);
  context.closePath();
  context.fill();
}

export function drawRows(context: CanvasRenderingContext2D, scene: Scene, rows: readonly SceneRow[]): void {
  const { view, width, colors, ticks, now, position, hoverAt } = scene;
  const height = rows.length * ROW_HEIGHT;
  const x = (at: number) => xOf(view, width, at);
  for (const [n, row] of rows.entries()) drawRow(context, scene, row, n * ROW_HEIGHT);
  // The grid lies over the rows, so lightly that it does not look like holes.
  context.globalAlpha = 0.45;
  context.strokeStyle = colors.lineStrong;
  for (const { at, kind } of ticks) {
    if (kind === 'minor') continue;
    context.globalAlpha = kind === 'day' ? 0.9 : 0.35;
    line(context, x(at), 0, height);
  }
  context.globalAlpha = 1;
  const nowX = x(now);
  if (nowX < width) {
    context.fillStyle = colors.ground;
    context.globalAlpha = 0.55;
    context.fillRect(Math.max(0, nowX), 0, width - nowX, height);
    context.globalAlpha = 1;
    context.strokeStyle = colors.bad;
    context.lineWidth = 1.5;
    if (nowX >= 0) line(context, nowX, 0, height);
  }
  if (hoverAt !== null) {
    context.strokeStyle = colors.inkFaint;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    line(context, x(hoverAt), 0, height);
    context.setLineDash([]);
  }
  if (position !== null) {
    context.strokeStyle = colors.ink;
    context.lineWidth = 2;
    line(context, x(position), 0, height);
  }
  context.lineWidth = 1;
}

function drawRow(context: CanvasRenderingContext2D, scene: Scene, { row, chosen, marks }: SceneRow, top: number): void {
  const { view, width, colors, selection } = scene;
  const pixelMs = lengthOf(view) / width;
  const x = (at: number) => Math.max(-10, Math.min(width + 10, xOf(view, width, at)));
  if (chosen) {
    context.fillStyle = colors.accentWash;
    context.globalAlpha = 0.5;
    context.fillRect(0, top, width, ROW_HEIGHT);
    context.globalAlpha = 1;
  }
  context.fillStyle = colors.sunken;
  context.fillRect(0, top + BAR_TOP, width, BAR_HEIGHT);
  context.fillStyle = colors.accent;
  context.globalAlpha = chosen ? 1 : 0.62;
  for (const { from, to } of mergeForPixels(row.recorded, view, pixelMs)) {
    const left = x(from);
    context.fillRect(left, top + BAR_TOP, Math.max(MIN_WIDTH, x(to) - left), BAR_HEIGHT);
  }
  context.globalAlpha = 1;
  for (const gap of mergeForPixels(row.gaps, view, pixelMs, (a, b) => a.reason === b.reason)) {
    drawGap(context, gap, x(gap.from), x(gap.to), top + BAR_TOP, colors);
  }
  context.fillStyle = colors.busy;
  for (const at of marks) {
    if (at < view.from || at > view.to) continue;
    context.beginPath();
    context.arc(x(at), top + BAR_TOP - 3, 3, 0, Math.PI * 2);
    context.fill();
  }
  if (chosen && selection) drawSelection(context, x(selection.from), x(selection.to), top, colors);
  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, top + ROW_HEIGHT - 0.5);
  context.lineTo(width, top + ROW_HEIGHT - 0.5);
  context.stroke();
}

function drawGap(
  context: CanvasRenderingContext2D,
  gap: GapSpan,
  left: number,
  right: number,
  top: number,
  colors: Colors,
): void {
  const width = Math.max(MIN_WIDTH, right - left);
  const color = CALM.has(gap.reason) ? colors.off : colors.bad;
  context.save();
  context.beginPath();
  context.rect(left, top, width, BAR_HEIGHT);
  context.clip();
  context.fillStyle = color;
  context.globalAlpha = width < 4 ? 0.9 : 0.16;
  context.fillRect(left, top, width, BAR_HEIGHT);
  if (width >= 4) {
    context.globalAlpha = 0.75;
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.beginPath();
    for (let x = left - (left % HATCH_STEP) - BAR_HEIGHT; x < left + width; x += HATCH_STEP) {
      context.moveTo(x, top + BAR_HEIGHT);
      context.lineTo(x + BAR_HEIGHT, top);
    }
    context.stroke();
    context.fillStyle = color;
    context.globalAlpha = 1;
    context.fillRect(left, top + BAR_HEIGHT - 2, width, 2);
  }
  context.restore();
}

function drawSelection(
  context: CanvasRenderingContext2D,
  left: number,
  right: number,
  top: number,
  colors: Colors,
): void {
  context.fillStyle = colors.busy;
  context.globalAlpha = 0.32;
  context.fillRect(left, top + 2, right - left, ROW_HEIGHT - 4);
  context.globalAlpha = 1;
  context.strokeStyle = colors.busy;
  context.lineWidth = 2;
  context.strokeRect(left, top + 3, right - left, ROW_HEIGHT - 6);
  for (const x of [left, right]) {
    context.fillStyle = colors.busy;
    context.beginPath();
    context.roundRect(x - HANDLE_WIDTH / 2, top + 6, HANDLE_WIDTH, ROW_HEIGHT - 12, 3);
    context.fill();
    context.strokeStyle = colors.surface;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, top + 14);
    context.lineTo(x, top + ROW_HEIGHT - 14);
    context.stroke();
  }
}
