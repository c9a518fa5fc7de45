// The driver against servers that are not ours: ffmpeg's and motion's.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { MultipartReader } from '../../media/multipart.ts';
import { systemNet } from '../../net/system-net.ts';
import { CountedPictures } from '../../sim/counted-pictures.ts';
import { HttpCameraSimulator } from '../../sim/http-mjpeg/simulator.ts';
import { driverContext, takePictures } from '../../test/source-world.ts';
import type { CameraSession } from '../driver.ts';
import { createHttpMjpegDriver } from './index.ts';

const driver = createHttpMjpegDriver();
const has = (program: string, ...args: string[]) => spawnSync(program, args).error === undefined;
const noFfmpeg = has('ffmpeg', '-version') ? false : 'ffmpeg is not installed';
const noMotion = has('motion', '-h') ? false : 'motion is not installed';

/** A port that was free a moment ago: these programs cannot be asked which one they took. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Opens as soon as the program listens. */
async function openSoon(settings: Record<string, unknown>, program: ChildProcess): Promise<CameraSession> {
  for (;;) {
    try {
      return await driver.open(settings, driverContext(systemClock, systemNet));
    } catch (error) {
      if (!isNvrError(error, 'unavailable') || program.exitCode !== null) throw error;
      await systemClock.sleep(50);
    }
  }
}

async function gone(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const exit = new Promise((resolve) => program.once('exit', resolve));
  program.kill('SIGKILL');
  await exit;
}

test('ffmpeg’s own MJPEG server: every picture, byte for byte', { skip: noFfmpeg, timeout: 60_000 }, async () => {
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=2', '-c:v', 'mjpeg', '-q:v', '4'];
  const plain = spawnSync('ffmpeg', ['-loglevel', 'error', '-bitexact', ...source, '-bitexact', '-f', 'mjpeg', '-'], {
    maxBuffer: 1 << 26,
  }).stdout;
  const wanted: string[] = [];
  const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
  new MultipartReader({ picture: (data) => wanted.push(sha256(data)), damaged: () => assert.fail('damaged') }).push(
    plain,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/v.mjpg`;
  const output = ['-bitexact', '-f', 'mpjpeg', '-listen', '1', url];
  const program = spawn('ffmpeg', ['-nostdin', '-loglevel', 'error', '-bitexact', '-re', ...source, ...output], {
    stdio: 'ignore',
  });
  try {
    await using session = await openSoon({ url }, program);
    const taken = await takePictures(session, 45);
    assert.deepEqual(
      taken.map(({ data }) => sha256(data)),
      wanted.slice(0, 45),
    );
  } finally {
    await gone(program);
  }
});

test('motion: its stream, with a password', { skip: noMotion, timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perch-motion-'));
  const port = await freePort();
  const pictures = new CountedPictures({ width: 320, height: 240, count: 20 });
  const fixed = { net: systemNet, clock: systemClock, host: '127.0.0.1', port: 0 };
  await using camera = await HttpCameraSimulator.start({ ...fixed, pictures, fps: 10 });
  const lines = [
    ...[
      'daemon off',
      'log_level 3',
      `target_dir ${folder}`,
      'picture_output off',
      'movie_output off',
      'width 320',
      'height 240',
    ],
    ...[`netcam_url ${camera.origin.replace('http', 'mjpeg')}/video.mjpg`, 'framerate 10', 'webcontrol_port 0'],
    ...[
      `stream_port ${port}`,
      'stream_localhost on',
      'stream_auth_method 2',
      'stream_authentication admin:secret',
      'stream_maxrate 10',
      '',
    ],
  ];
  const file = join(folder, 'motion.conf');
  writeFileSync(file, lines.join('\n'));
  const program = spawn('motion', ['-n', '-c', file], { stdio: 'ignore', cwd: folder });
  try {
    const settings = { url: `http://127.0.0.1:${port}/`, username: 'admin', password: 'secret' };
    await using session = await openSoon(settings, program);
    const taken = await takePictures(session, 5);
    assert.ok(taken.every(({ data, width }) => data[0] === 0xff && width >= 320));
    await assert.rejects(
      driver.open({ ...settings, password: 'no' }, driverContext(systemClock, systemNet)),
      (error: unknown) => isNvrError(error, 'refused'),
    );
  } finally {
    await gone(program);
    rmSync(folder, { recursive: true, force: true });
  }
});
