import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { explainOptions, parseOptions } from './command-line.ts';

const table = {
  name: { type: 'text', value: 'NAME', default: 'x', help: 'who' },
  count: { type: 'integer', default: 1, min: 1, max: 9, help: 'how many' },
  loss: { type: 'number', default: 0, min: 0, max: 1, help: 'how bad' },
  quiet: { type: 'flag', help: 'says nothing' },
} as const;

test('defaults, and both ways to write a value', () => {
  assert.deepEqual(parseOptions(table, []), { name: 'x', count: 1, loss: 0, quiet: false });
  const given = ['--name', 'a b', '--count=3', '--loss', '.5', '--quiet'];
  assert.deepEqual(parseOptions(table, given), { name: 'a b', count: 3, loss: 0.5, quiet: true });
});

const wrong: Array<[args: string[], message: RegExp]> = [
  [['--count', '0'], /^--count 0: it must be a whole number from 1 to 9$/],
  [['--count', '2.5'], /whole number/],
  [['--count', ''], /whole number/],
  [['--count', '0x3'], /whole number/],
  [['--loss', '1e3'], /from 0 to 1/],
  [['--loss', '-1'], /--loss/],
  [['--loss', 'NaN'], /from 0 to 1/],
  [['--loss'], /--loss/],
  [['--quiet=yes'], /--quiet/],
  [['--nope'], /--nope/],
  [['stray'], /stray/],
];
for (const [args, message] of wrong) {
  test(`${args.join(' ')} is refused in one line`, () => {
    assert.throws(
      () => parseOptions(table, args),
      (error) => isNvrError(error, 'bad_input') && message.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('help shows every option with its default', () => {
  const text = explainOptions(table);
  for (const name of Object.keys(table)) assert.match(text, new RegExp(`--${name}`));
  assert.match(text, /--loss N +how bad \(0\)/);
});
