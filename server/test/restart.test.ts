// The stale-port problem as a user meets it: Perch is killed and started again while the camera still streams to it.
// What is measured is printed, not asserted: times belong to the machine.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CameraStatus } from '../core/camera-status.ts';
import type { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';
import { startSimulator } from './harness.ts';
import { type PerchProcess, startPerch } from './perch-process.ts';

type CameraJson = { status: CameraStatus; facts: Record<string, unknown> };

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'perch-restart-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const addDoor = (perch: PerchProcess, simulator: IwfcamSimulator) =>
  perch.ok('POST', '/api/cameras', {
    name: 'Door',
    driver: 'iwfcam',
    settings: { host: simulator.options.host, port: simulator.discoveryPort },
  });

/** Polls until the camera fits; answers every state seen on the way. */
async function until(
  perch: PerchProcess,
  fits: (camera: CameraJson) => boolean,
): Promise<{ seen: CameraStatus[]; camera: CameraJson }> {
  const seen: CameraStatus[] = [];
  for (;;) {
    const camera = await perch.ok<CameraJson>('GET', '/api/cameras/door');
    if (seen.at(-1)?.state !== camera.status.state) seen.push(camera.status);
    if (fits(camera)) return { seen, camera };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const isLive = (camera: CameraJson) => camera.status.state === 'live' && camera.status.framesReceived > 3;
const portOf = (simulator: IwfcamSimulator) => simulator.slots[0]?.client.port;

test('kill -9 and start: the port is kept, the slot is taken over, nothing has to cool down', async (t) => {
  const dataDir = await scratch(t);
  await using simulator = await startSimulator({ slots: 1 });
  let port: number | undefined;
  {
    await using perch = await startPerch(dataDir);
    await addDoor(perch, simulator);
    await until(perch, isLive);
    port = portOf(simulator);
    await perch.end('SIGKILL');
  }
  assert.equal(simulator.slots.length, 1, 'the camera still streams to the dead session');
  const began = performance.now();
  await using again = await startPerch(dataDir);
  const { seen } = await until(again, isLive);
  t.diagnostic(`pictures ${Math.round(performance.now() - began)} ms after the start of the process (port kept)`);
  assert.ok(!seen.some((status) => status.state === 'coolingDown'), 'no cool-down was needed');
  assert.equal(portOf(simulator), port, 'the same UDP port');
  assert.equal(simulator.slots.length, 1);
});

test('kill -9 and start with the port taken and one slot: cool-down with its end shown, then pictures', async (t) => {
  const dataDir = await scratch(t);
  await using simulator = await startSimulator({ slots: 1 });
  let port: number;
  {
    await using perch = await startPerch(dataDir);
    await addDoor(perch, simulator);
    await until(perch, isLive);
    port = portOf(simulator)!;
    await perch.end('SIGKILL');
  }
  const thief = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => thief.bind(port, resolve));
  t.after(() => thief.close());
  const began = performance.now();
  await using again = await startPerch(dataDir);
  const { seen } = await until(again, isLive);
  t.diagnostic(
    `pictures ${Math.round(performance.now() - began)} ms after the start of the process (port taken, one slot)`,
  );
  const coolDown = seen.find((status) => status.state === 'coolingDown');
  assert.ok(coolDown, 'the cool-down is a state that the user sees');
  assert.equal(coolDown.coolDownReason, 'stalePort');
  assert.ok(Date.parse(String(coolDown.nextAttemptAt)) > Date.parse(String(coolDown.since)), 'with its end');
  assert.notEqual(portOf(simulator), port);
});

test('a clean end says goodbye: the slot is free at once and the exit code is 0', async (t) => {
  const dataDir = await scratch(t);
  await using simulator = await startSimulator({ slots: 1 });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await using perch = await startPerch(dataDir);
    if (signal === 'SIGTERM') await addDoor(perch, simulator);
    await until(perch, isLive);
    const { code } = await perch.end(signal);
    assert.equal(code, 0);
    assert.equal(simulator.slots.length, 0);
  }
});

test('a repeated signal does not shorten the clean end', async (t) => {
  const dataDir = await scratch(t);
  await using simulator = await startSimulator({ slots: 1 });
  await using perch = await startPerch(dataDir);
  await addDoor(perch, simulator);
  await until(perch, isLive);
  perch.child.kill('SIGTERM');
  perch.child.kill('SIGINT');
  const { code } = await perch.end('SIGTERM');
  assert.equal(code, 0);
  assert.equal(simulator.slots.length, 0);
});

test('a second Perch on the same data folder is refused with one clear line', async (t) => {
  const dataDir = await scratch(t);
  await using _first = await startPerch(dataDir);
  await assert.rejects(startPerch(dataDir), /perch: Another Perch is using/);
});

test('a signal while the program is still being loaded is a clean end', async (t) => {
  const dataDir = await scratch(t);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await assert.rejects(
      startPerch(dataDir, {}, (child, output) => output.includes('"Starting"') && child.kill(signal)),
      /ended before it listened \(0\)/,
    );
  }
});

test('files of TLS that cannot be used, and an administrator that cannot be made, are named on one line', async (t) => {
  const dataDir = await scratch(t);
  const file = join(dataDir, 'no.pem');
  await writeFile(file, 'this is no certificate');
  const tls = { PERCH_TLS_CERT: file, PERCH_TLS_KEY: file };
  await assert.rejects(startPerch(dataDir, tls), /\(2\)[\s\S]*perch: PERCH_TLS_CERT="[^"]+no\.pem" cannot be used: /);
  await assert.rejects(
    startPerch(dataDir, { PERCH_TLS_CERT: '/nowhere/a', PERCH_TLS_KEY: '/nowhere/b' }),
    /perch: PERCH_TLS_CERT="\/nowhere\/a" cannot be used: ENOENT/,
  );
  await assert.rejects(
    startPerch(dataDir, { PERCH_ADMIN_PASSWORD: 'x'.repeat(1000) }),
    /perch: PERCH_ADMIN_USER.*password/,
  );
});

test('a bad variable stops the start with one line', async (t) => {
  const dataDir = await scratch(t);
  await assert.rejects(
    startPerch(dataDir, { PERCH_PORT: 'web' }),
    /perch: PERCH_PORT="web" is not allowed: a port from 0/,
  );
});

test('whoever reads the log may stop reading, or go: Perch goes on, and still ends in order', async (t) => {
  const dataDir = await scratch(t);
  await using simulator = await startSimulator({ slots: 1 });
  await using perch = await startPerch(dataDir, { PERCH_LOG_LEVEL: 'trace' });
  await addDoor(perch, simulator);
  await until(perch, isLive);
  perch.child.stdout?.destroy();
  perch.child.stderr?.destroy();
  for (let i = 0; i < 200; i++) await perch.ok('GET', '/api/cameras/door');
  await until(perch, isLive);
  const { code } = await perch.end('SIGTERM');
  assert.equal(code, 0);
  assert.equal(simulator.slots.length, 0);
});

test('whoever reads the log may hang: Perch answers, says goodbye and ends', async (t) => {
  const dataDir = await scratch(t);
  await using simulator = await startSimulator({ slots: 1 });
  await using perch = await startPerch(dataDir, { PERCH_LOG_LEVEL: 'trace' });
  await addDoor(perch, simulator);
  await until(perch, isLive);
  perch.child.stdout?.pause();
  // Far more than the pipe and this process hold.
  for (let i = 0; i < 30; i++) {
    await Promise.all(Array.from({ length: 50 }, () => perch.ok('GET', '/api/cameras/door')));
  }
  await until(perch, isLive);
  const exited = new Promise((resolve) => perch.child.once('exit', resolve));
  perch.child.kill('SIGTERM');
  await exited;
  assert.equal(simulator.slots.length, 0);
  perch.child.stdout?.resume();
});
