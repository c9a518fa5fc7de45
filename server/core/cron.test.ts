import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCron } from './cron.ts';
import { isNvrError } from './nvr-error.ts';

const good: readonly [string, readonly number[], string][] = [
  ['* * * * *', [], ''],
  ['30 22 * * *', [81_000], ''],
  ['0 8,20 * * *', [28_800, 72_000], ''],
  ['*/30 6-7 * * *', [21_600, 23_400, 25_200, 27_000], ''],
  ['15 30 22 * * *', [81_015], ''],
  ['0 22-1 * * *', [0, 3600, 79_200, 82_800], ''],
  ['@daily', [0], ''],
  ['  0  0  *  JAN-mar  Sunday ', [0], '2026-01-04 2026-03-29'],
  ['0 0 * * 1-5', [0], '2026-11-23 2026-11-27'],
  ['0 0 * * 7', [0], '2026-11-22'],
  ['0 0 * * sat-mon', [0], '2026-11-21 2026-11-22 2026-11-23'],
  ['0 0 * * 6-7', [0], '2026-11-21 2026-11-22'],
  ['0 0 13 * 5', [0], '2026-02-13'],
  ['0 0 L * ?', [0], '2026-02-28 2028-02-29 2026-12-31'],
  ['0 0 29 2 *', [0], '2028-02-29'],
  ['0 0 * * 5#2', [0], '2026-11-13'],
  ['0 0 * * 5L', [0], '2026-11-27'],
];
const never: Readonly<Record<string, string>> = {
  '0 0 * * 1-5': '2026-11-22 2026-11-28',
  '0 0 * * sat-mon': '2026-11-24 2026-11-27',
  '0 0 13 * 5': '2026-01-13 2026-11-20',
  '0 0 * * 5#2': '2026-11-06 2026-11-20',
};
const dateOf = (text: string) => text.split('-').map(Number) as [number, number, number];

test('cron: what matches', () => {
  for (const [text, seconds, dates] of good) {
    const cron = parseCron(text);
    if (seconds.length > 0) assert.deepEqual(cron.secondsOfDay, seconds, text);
    else assert.equal(cron.secondsOfDay.length, 1440);
    for (const date of dates.split(' ').filter(Boolean))
      assert.ok(cron.matchesDate(...dateOf(date)), `${text} ${date}`);
    for (const date of (never[text] ?? '').split(' ').filter(Boolean)) {
      assert.ok(!cron.matchesDate(...dateOf(date)), `${text} not on ${date}`);
    }
  }
});

test('cron: what is refused, with the part that is wrong', () => {
  const wrong: readonly [string, RegExp][] = [
    ['', /five fields/],
    ['* * * *', /five fields.* not 4/],
    ['* * * * * * *', /five fields/],
    ['60 * * * *', /minute: 0 to 59/],
    ['* 24 * * *', /hour/],
    ['* * 0 * *', /day of the month/],
    ['* * * 13 *', /month/],
    ['* * * * 8', /day of the week/],
    ['* * * foo *', /month/],
    ['5/10 * * * *', /minute: .*step needs a range/],
    ['*/0 * * * *', /minute/],
    ['1-2-3 * * * *', /minute/],
    ['1,,2 * * * *', /minute/],
    ['-1 * * * *', /minute/],
    ['1e1 * * * *', /minute/],
    ['* * 1W * *', /day of the month/],
    ['0 0 30 2 *', /no day 30/],
    ['@often', /five fields/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(
      () => parseCron(text),
      (error) => isNvrError(error, 'bad_input') && message.test(error.message),
      text,
    );
  }
});
