import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { WatchCondition } from '../store/gaps.ts';
import { chooseCondition, chooseGaps, type GapInput, joinSpans, subtractSpans, type WatchFacts } from './gaps.ts';

type Watched = [number, number, WatchCondition];
type Row = [
  name: string,
  recorded: [number, number][],
  watched: Watched[],
  gaps: [number, number, string][],
  extra?: Partial<GapInput> & { ended?: string | null },
];

const S = 1000;
const span = ([startAt, endAt]: readonly [number, number]) => ({ startAt: startAt * S, endAt: endAt * S });

const rows: Row[] = [
  ['nothing watched, nothing recorded', [], [], []],
  ['all recorded', [[0, 100]], [[0, 100, 'recording']], []],
  [
    'unscheduled time is neither',
    [[0, 10]],
    [
      [0, 10, 'recording'],
      [50, 60, 'recording'],
    ],
    [[50, 60, 'offline']],
  ],
  [
    'offline is found out late',
    [
      [0, 40],
      [70, 100],
    ],
    [
      [0, 46, 'recording'],
      [46, 69, 'offline'],
      [69, 100, 'recording'],
    ],
    [[40, 70, 'offline']],
  ],
  [
    'perchDown covers what a kill lost',
    [[0, 58]],
    [
      [0, 60, 'recording'],
      [60, 90, 'perchDown'],
      [90, 100, 'recording'],
    ],
    [[58, 92, 'perchDown']],
    { recorded: [span([0, 58]), span([92, 100])] },
  ],
  [
    'stopped by hand where an earlier clock had recorded: what was displaced says why it is not there',
    [
      [0, 40],
      [50, 100],
    ],
    [[0, 100, 'recording']],
    [[40, 50, 'clockStep']],
    { displaced: [span([30, 50])], ended: 'stopped' },
  ],
  [
    'a stall without a change of state',
    [
      [0, 40],
      [50, 100],
    ],
    [[0, 100, 'recording']],
    [[40, 50, 'offline']],
    { ended: 'offline' },
  ],
  [
    'a step forward',
    [
      [0, 40],
      [50, 100],
    ],
    [
      [0, 40, 'recording'],
      [40, 50, 'clockStep'],
      [50, 100, 'recording'],
    ],
    [[40, 50, 'clockStep']],
  ],
  [
    'ffmpeg died and lost something',
    [
      [0, 40],
      [41, 100],
    ],
    [[0, 100, 'recording']],
    [[40, 41, 'recorderFailed']],
    { ended: 'recorderFailed' },
  ],
  [
    'disabled by hand',
    [[0, 40]],
    [
      [0, 40, 'recording'],
      [40, 100, 'cameraDisabled'],
    ],
    [[40, 100, 'cameraDisabled']],
  ],
  [
    'released',
    [
      [0, 39.5],
      [71, 100],
    ],
    [
      [0, 40, 'recording'],
      [40, 70, 'released'],
      [70, 100, 'recording'],
    ],
    [[39.5, 71, 'released']],
  ],
  [
    'refused after offline',
    [],
    [
      [0, 10, 'offline'],
      [10, 20, 'refused'],
    ],
    [
      [0, 10, 'offline'],
      [10, 20, 'refused'],
    ],
  ],
  ['a picture on its way at the live edge', [[0, 98]], [[0, 100, 'recording']], [], { nowMs: 100 * S }],
  ['a slow camera whose segment is open', [[0, 40]], [[0, 100, 'recording']], [], { nowMs: 100 * S, writing: true }],
  [
    'no picture for long at the live edge',
    [[0, 40]],
    [[0, 100, 'recording']],
    [[40, 100, 'recorderFailed']],
    { nowMs: 100 * S, ended: 'boundary' },
  ],
  ['the last picture before a wanted end', [[0, 39.9]], [[0, 40, 'recording']], []],
  [
    'deleted wins over what the journal says',
    [[50, 100]],
    [[0, 100, 'recording']],
    [[0, 50, 'deleted']],
    { deleted: [span([0, 50])] },
  ],
  ['deleted and recorded again by adoption', [[0, 100]], [[0, 100, 'recording']], [], { deleted: [span([0, 50])] }],
  ['deleted without a journal (older than it)', [], [], [[0, 50, 'deleted']], { deleted: [span([0, 50])] }],
  [
    'a gap between deleted recordings keeps its reason',
    [],
    [
      [0, 20, 'recording'],
      [20, 30, 'offline'],
      [30, 50, 'recording'],
    ],
    [
      [0, 20, 'deleted'],
      [20, 30, 'offline'],
      [30, 50, 'deleted'],
    ],
    { deleted: [span([0, 20]), span([30, 50])] },
  ],
  [
    'a clock set back: later entries hold',
    [],
    [
      [0, 50, 'offline'],
      [20, 40, 'refused'],
    ],
    [
      [0, 20, 'offline'],
      [20, 40, 'refused'],
      [40, 50, 'offline'],
    ],
  ],
  [
    'pieces of a day join',
    [],
    [
      [0, 50, 'offline'],
      [50, 90, 'offline'],
    ],
    [[0, 90, 'offline']],
  ],
];

suite('gaps', () => {
  for (const [name, recorded, watched, gaps, { ended = null, ...extra } = {}] of rows) {
    test(name, () => {
      const found = chooseGaps({
        ...{ recorded: recorded.map(span), deleted: [], nowMs: 1000 * S, writing: false },
        watched: watched.map(([from, to, condition]) => ({ ...span([from, to]), condition })),
        endReasonBefore: () => ended,
        ...extra,
      });
      assert.deepEqual(
        found,
        gaps.map(([from, to, reason]) => ({ ...span([from, to]), reason })),
      );
    });
  }

  test('what holds', () => {
    const facts: WatchFacts = {
      wanted: true,
      enabled: true,
      state: 'live',
      released: false,
      storage: 'ok',
      failure: 'none',
    };
    const table: [Partial<WatchFacts>, WatchCondition | null][] = [
      [{}, 'recording'],
      [{ wanted: false, state: 'refused' }, null],
      [{ enabled: false, state: 'disabled' }, 'cameraDisabled'],
      [{ enabled: false, state: 'live' }, 'cameraDisabled'],
      [{ state: 'disabled' }, 'offline'], // enabled just now, not dialled yet
      [{ state: 'connecting' }, 'offline'],
      [{ state: 'backingOff' }, 'offline'],
      [{ state: 'coolingDown' }, 'offline'],
      [{ state: 'coolingDown', released: true }, 'released'],
      [{ state: 'refused' }, 'refused'],
      [{ storage: 'full' }, 'diskFull'],
      [{ storage: 'missing', state: 'backingOff' }, 'storageMissing'],
      [{ failure: 'other' }, 'recorderFailed'],
      [{ failure: 'exhausted' }, 'diskFull'],
      [{ failure: 'other', state: 'backingOff' }, 'offline'],
    ];
    for (const [change, want] of table)
      assert.equal(chooseCondition({ ...facts, ...change }), want, JSON.stringify(change));
  });

  test('recorded, gaps and unscheduled never overlap and leave nothing out (random)', () => {
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * n);
    };
    const conditions: WatchCondition[] = ['recording', 'offline', 'perchDown', 'recording', 'released'];
    for (let round = 0; round < 300; round++) {
      const watched: (ReturnType<typeof span> & { condition: WatchCondition })[] = [];
      for (let at = 0; at < 900; ) {
        const to = at + 1 + random(100);
        if (random(4) > 0) watched.push({ ...span([at, to]), condition: conditions[random(5)]! });
        at = to;
      }
      const some = () =>
        joinSpans(Array.from({ length: random(8) }, () => random(900)).map((at) => span([at, at + 1 + random(80)])));
      const [recorded, deleted] = [some(), some()];
      const gaps = chooseGaps({
        recorded,
        deleted,
        watched,
        nowMs: 2000 * S,
        writing: false,
        endReasonBefore: () => null,
      });
      assert.deepEqual(subtractSpans(gaps, recorded), gaps, 'a gap is not recorded');
      for (const [n, gap] of gaps.entries())
        assert.ok(n === 0 || gaps[n - 1]!.endAt <= gap.startAt, 'gaps do not overlap');
      const known = joinSpans([...recorded, ...gaps], 1);
      const left = subtractSpans(joinSpans(watched, 1), known);
      assert.ok(
        left.every(({ startAt, endAt }) => endAt - startAt < S),
        'all watched time is one or the other',
      );
    }
  });
});
