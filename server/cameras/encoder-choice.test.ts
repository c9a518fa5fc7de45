import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { EncoderSupport } from '../ffmpeg/encoders.ts';
import { EncoderChoice } from './encoder-choice.ts';

function setUp(setting: string, works: boolean) {
  const support = new EncoderSupport(
    async () => (works ? null : new NvrError('unavailable', 'no such thing')),
    () => true,
  );
  const said: string[][] = [];
  const choice = new EncoderChoice(setting, silentLogger, (...what) => said.push(what), support);
  return { choice, said, support };
}

test('what was chosen is used when it works; what does not work is said once, with the reason', async () => {
  const good = setUp('vaapi', true);
  assert.equal(await good.choice.kind(), 'vaapi');
  assert.deepEqual(good.said, []);
  const bad = setUp('vaapi', false);
  assert.equal(await bad.choice.kind(), 'libx264');
  assert.equal(await bad.choice.kind(), 'libx264');
  assert.deepEqual(bad.said, [['vaapi', 'no such thing']]);
  const unknown = setUp('cuda', true);
  assert.equal(await unknown.choice.kind(), 'libx264');
  assert.equal(unknown.said.length, 1);
  assert.equal(await setUp('auto', true).choice.kind(), 'libx264');
});

test('hardware that passed its trial and gives no picture of this camera is left, one bad end is forgiven', async () => {
  const { choice, said } = setUp('qsv', true);
  await choice.kind();
  choice.failed('it crashed', 0);
  choice.failed('it crashed late', 500);
  choice.failed('it crashed', 0);
  assert.equal(await choice.kind(), 'qsv');
  choice.failed('it crashed', 0);
  assert.equal(await choice.kind(), 'libx264');
  choice.failed('libx264 too', 0);
  assert.deepEqual(said, [['qsv', 'it crashed']]);
});

test('all are tried at the start; without its device a kind is not even run', async () => {
  const tried: string[] = [];
  const support = new EncoderSupport(
    async ({ output }) => {
      tried.push(output.options.find((option) => option.startsWith('h264_'))!);
      return null;
    },
    (path) => path.startsWith('/dev/dri'),
  );
  assert.equal(support.statuses().find(({ kind }) => kind === 'vaapi')?.state, 'untried');
  await support.tryAll(silentLogger);
  assert.deepEqual(tried, ['h264_vaapi', 'h264_qsv']);
  assert.deepEqual(
    support.statuses().map(({ kind, state, reason }) => [kind, state, reason]),
    [
      ['libx264', 'works', null],
      ['vaapi', 'works', null],
      ['qsv', 'works', null],
      ['v4l2m2m', 'fails', 'this machine has no /dev/video10'],
      ['nvenc', 'fails', 'this machine has no /dev/nvidia0'],
    ],
  );
});
