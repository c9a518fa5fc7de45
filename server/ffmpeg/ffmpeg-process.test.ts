import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isNvrError } from '../core/nvr-error.ts';
import { until } from '../test/recording-fixture.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import { ffprobe } from './ffprobe.ts';

const endless = {
  input: { options: ['-re', '-f', 'lavfi'], source: { url: 'testsrc=size=64x64:rate=5' } },
  output: { options: ['-f', 'null'], target: { file: '/dev/null' } },
} as const;
const reader = {
  input: { options: ['-f', 'mjpeg'], source: 'pipe' },
  output: { options: ['-c', 'copy', '-f', 'mjpeg'], target: 'pipe' },
} as const;

const alive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

test('a process that reads no input is ended by a signal, and that is a good end', async () => {
  const ffmpeg = FfmpegProcess.start(endless);
  await until(() => ffmpeg.pid !== null);
  const exit = await ffmpeg.stop();
  assert.equal(ffmpeg.exit, exit);
  assert.equal(await ffmpeg.stop(), exit);
  assert.equal(alive(ffmpeg.pid!), false);
});

test('a kill before the spawn is not lost', async () => {
  const ffmpeg = FfmpegProcess.start(endless);
  const exit = await ffmpeg.kill();
  assert.ok(exit.error === null || exit.error.code === 'unavailable');
});

test('writing to one that is gone does not wait for ever, nor throw', async () => {
  const ffmpeg = FfmpegProcess.start(reader);
  await until(() => ffmpeg.pid !== null);
  await ffmpeg.kill();
  for (let n = 0; n < 20; n++) await ffmpeg.write(Buffer.alloc(200_000));
});

test('one that takes nothing holds the writer back within bounds, until it is killed', async (t) => {
  const ffmpeg = FfmpegProcess.start(reader);
  t.after(() => ffmpeg.kill());
  await until(() => ffmpeg.pid !== null);
  process.kill(ffmpeg.pid!, 'SIGSTOP');
  let taken = 0;
  let done = false;
  const writing = (async () => {
    while (!ffmpeg.exit) {
      await ffmpeg.write(Buffer.alloc(50_000));
      if (!ffmpeg.exit) taken += 50_000;
    }
    done = true;
  })();
  // Many turns of the loop later it still waits, with little in memory.
  for (let turn = 0; turn < 2000; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  assert.equal(done, false);
  assert.ok(taken <= 2_000_000, `${taken} bytes wait`);
  await ffmpeg.kill();
  await writing;
});

test('no ffmpeg at all is one clear error, and stdout ends', async (t) => {
  const before = process.env.FFMPEG_PATH;
  process.env.FFMPEG_PATH = '/nonexistent/ffmpeg';
  t.after(() => {
    if (before === undefined) delete process.env.FFMPEG_PATH;
    else process.env.FFMPEG_PATH = before;
  });
  const ffmpeg = FfmpegProcess.start(reader);
  for await (const _chunk of ffmpeg.stdout!) assert.fail('bytes from nowhere');
  const { error } = await ffmpeg.exited;
  assert.match(error?.message ?? '', /not installed/);
});

test('kill -9 of the parent leaves no ffmpeg behind', async (t) => {
  const module = fileURLToPath(new URL('ffmpeg-process.ts', import.meta.url));
  const code = `const { FfmpegProcess } = await import(${JSON.stringify(module)});
    const ffmpeg = FfmpegProcess.start(${JSON.stringify(endless)});
    const look = setInterval(() => { if (ffmpeg.pid) { console.log(ffmpeg.pid); clearInterval(look); } }, 5);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => parent.kill('SIGKILL'));
  const [said] = await once(parent.stdout, 'data');
  const pid = Number(String(said));
  await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('ffmpeg'));
  parent.kill('SIGKILL');
  await until(() => !alive(pid));
});

test('ffprobe: facts, or an error that says so', async () => {
  await assert.rejects(ffprobe('/dev/null', ['-show_format']), (error) => isNvrError(error, 'protocol'));
  await assert.rejects(ffprobe('/nonexistent.mp4', ['-show_format']), (error) => isNvrError(error, 'protocol'));
});
