import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atOf,
  bringIntoView,
  clampView,
  DAY_MS,
  followNow,
  followPlaying,
  HOUR_MS,
  lengthOf,
  MAX_SPAN_MS,
  MIN_SPAN_MS,
  panBy,
  pinch,
  xOf,
  zoomAround,
} from './scale.ts';

const now = Date.UTC(2026, 10, 21, 12);
const limits = { first: now - 400 * DAY_MS, last: now };
const view = { from: now - 10 * HOUR_MS, to: now - 4 * HOUR_MS };
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1, `${a} and ${b}`);

test('pixels and moments are each other’s inverse', () => {
  for (const x of [0, 1, 333, 1000]) near(xOf(view, 1000, atOf(view, 1000, x)), x);
  assert.equal(atOf(view, 1000, 500), now - 7 * HOUR_MS);
});

test('zooming keeps the moment under the pointer, between the closest and the widest view', () => {
  const at = atOf(view, 1000, 700);
  for (const factor of [0.5, 0.9, 1.3]) near(xOf(zoomAround(view, at, factor, limits), 1000, at), 700);
  let close = view;
  for (let n = 0; n < 60; n++) close = zoomAround(close, at, 0.7, limits);
  assert.equal(lengthOf(close), MIN_SPAN_MS);
  near(xOf(close, 1000, at), 700);
  let wide = view;
  for (let n = 0; n < 60; n++) wide = zoomAround(wide, at, 1.4, limits);
  assert.equal(lengthOf(wide), MAX_SPAN_MS);
});

test('a view never leaves what there is: a fifth of it may lie ahead of now', () => {
  const ahead = panBy(view, 100 * DAY_MS, limits);
  assert.equal(lengthOf(ahead), lengthOf(view));
  near(ahead.to, now + lengthOf(view) * 0.2);
  const back = panBy(view, -1000 * DAY_MS, limits);
  near(back.from, limits.first);
  // A history that is shorter than the view.
  const short = clampView({ from: now - DAY_MS, to: now }, { first: now - HOUR_MS, last: now });
  assert.equal(lengthOf(short), DAY_MS);
  assert.ok(short.to >= now);
});

test('two fingers keep the moments under them', () => {
  const [a, b] = [atOf(view, 1000, 300), atOf(view, 1000, 600)];
  const after = pinch(view, 1000, [300, 600], [200, 800], limits);
  near(xOf(after, 1000, a), 200);
  near(xOf(after, 1000, b), 800);
  near(lengthOf(after), lengthOf(view) / 2);
  // Fingers on one spot do not divide by nothing.
  assert.ok(Number.isFinite(pinch(view, 1000, [300, 300], [400, 400], limits).from));
});

test('following: now stays near the right edge, what plays turns the page', () => {
  const live = followNow(view, now, limits);
  near(xOf(live, 100, now), 85);
  assert.equal(followPlaying(view, view.from + 1000, limits), view);
  const turned = followPlaying(view, view.to + 1, limits);
  near(xOf(turned, 100, view.to + 1), 15);
  assert.equal(bringIntoView(view, now - 7 * HOUR_MS, limits), view);
  near(xOf(bringIntoView(view, now - 30 * HOUR_MS, limits), 100, now - 30 * HOUR_MS), 50);
});
