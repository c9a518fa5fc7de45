process.env.TZ = 'Europe/Berlin';

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlace, placeHash } from './place.ts';
import { dragTo, holdAt, localText, MAX_EXPORT_MS, parseLocal, spanBetween, withEdge } from './selection.ts';

const now = Date.UTC(2026, 10, 21, 12);
const span = { from: now - 60_000, to: now - 30_000 };

test('a selection has an order, a length, and no future', () => {
  assert.deepEqual(spanBetween(now - 10_000, now - 50_000, now), { from: now - 50_000, to: now - 10_000 });
  assert.equal(spanBetween(now - 10_000, now + 99_000, now).to, now);
  assert.ok(spanBetween(now - 5000, now - 5000, now).to - (now - 5000) >= 1000);
  const long = spanBetween(now - 2 * MAX_EXPORT_MS, now, now);
  assert.equal(long.to - long.from, MAX_EXPORT_MS);
});

test('handles are taken at the ends, the middle moves the whole, outside begins anew', () => {
  const left = holdAt(span, span.from + 300, 500);
  assert.ok(left?.kind === 'edge' && left.edge === 'from');
  assert.deepEqual(dragTo(left, now - 90_000, now), { from: now - 90_000, to: span.to });
  // Over the other end: the ends change places.
  assert.deepEqual(dragTo(left, now - 10_000, now), { from: span.to, to: now - 10_000 });
  const whole = holdAt(span, now - 45_000, 500);
  assert.ok(whole?.kind === 'whole');
  assert.deepEqual(dragTo(whole, now - 55_000, now), { from: span.from - 10_000, to: span.to - 10_000 });
  assert.equal(dragTo(whole, now + 50_000, now).to, now);
  assert.equal(holdAt(span, now - 90_000, 500), null);
  assert.equal(holdAt(null, now, 500), null);
});

test('ends set by key', () => {
  assert.deepEqual(withEdge(null, 'from', now - 20_000, now, 5000), { from: now - 20_000, to: now - 15_000 });
  assert.deepEqual(withEdge(span, 'to', now - 40_000, now, 5000), { from: span.from, to: now - 40_000 });
  assert.deepEqual(withEdge(span, 'to', now - 90_000, now, 5000), { from: now - 95_000, to: now - 90_000 });
});

test('local times as inputs have them', () => {
  const at = new Date(2026, 10, 21, 14, 2, 7).getTime();
  assert.equal(localText(at), '2026-11-21T14:02:07');
  assert.equal(parseLocal('2026-11-21T14:02:07'), at);
  assert.equal(parseLocal('2026-11-21T14:02'), at - 7000);
  for (const bad of ['', '2026-11-21', 'x', '0026-11-21T14:02']) assert.equal(parseLocal(bad), null, bad);
});

test('the place in the address comes back as it went, and nonsense is left out', () => {
  const place = { camera: 'porch', at: now + 123, spanMs: 3_600_000 };
  const hash = placeHash(place);
  assert.equal(hash, '#/timeline?camera=porch&at=2026-11-21T12:00:00.123Z&span=3600');
  assert.deepEqual(parsePlace(new URLSearchParams(hash.split('?')[1])), place);
  const parse = (text: string) => parsePlace(new URLSearchParams(text));
  assert.equal(parse(`at=${now}`).at, now);
  assert.equal(parse('at=2026-11-21T13:00:00+01:00').at, now);
  for (const bad of ['at=yesterday', 'at=1', 'at=2026-99-99T00:00:00Z', 'span=-5', 'at=1970-01-01']) {
    assert.deepEqual(parse(bad), { camera: null, at: null, spanMs: null }, bad);
  }
  assert.equal(placeHash({ camera: null, at: null, spanMs: null }), '#/timeline');
});
