import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTile, stillLimitMs, type TileState } from './tile-machine.ts';

const moving: TileState = { kind: 'moving', shownAt: 1000, takenAt: 99 };

test('a picture moves, stands still too long, and moves again', () => {
  let tile: TileState = nextTile({ kind: 'blank' }, { kind: 'picture', shownAt: 1000, takenAt: 99, old: false });
  assert.deepEqual(tile, moving);
  tile = nextTile(tile, { kind: 'tick', at: 6000, limitMs: 5000 });
  assert.equal(tile.kind, 'moving');
  tile = nextTile(tile, { kind: 'tick', at: 6001, limitMs: 5000 });
  assert.deepEqual(tile, { kind: 'stale', since: 99 });
  tile = nextTile(tile, { kind: 'picture', shownAt: 7000, takenAt: 100, old: false });
  assert.equal(tile.kind, 'moving');
});

test('an old picture is never live', () => {
  const tile = nextTile({ kind: 'blank' }, { kind: 'picture', shownAt: 1, takenAt: 50, old: true });
  assert.deepEqual(tile, { kind: 'stale', since: 50 });
});

test('a loss makes a picture old at once, and nothing of nothing', () => {
  assert.deepEqual(nextTile(moving, { kind: 'lost' }), { kind: 'stale', since: 99 });
  assert.deepEqual(nextTile({ kind: 'blank' }, { kind: 'lost' }), { kind: 'blank' });
});

test('slow cameras may stand still for longer', () => {
  assert.equal(stillLimitMs(20), 5000);
  assert.equal(stillLimitMs(0), 5000);
  assert.equal(stillLimitMs(Number.NaN), 5000);
  assert.equal(stillLimitMs(0.1), 30_000);
  assert.equal(stillLimitMs(0.001), 60_000);
});
