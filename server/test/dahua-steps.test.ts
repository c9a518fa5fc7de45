// A Dahua device on its way into the app: what is told while it is looked for, which channels it has, and what is
// said when something is wrong. Who does not answer at all: dahua-silence.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { type DahuaRecorder, startDahuaRecorder } from './dahua-recorder.ts';
import { type Nvr, startNvr } from './harness.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
const LINES = 'application/x-ndjson';

type Line = {
  readonly step?: { readonly id: string; readonly title: string; readonly detail: string | null };
  readonly result?: {
    readonly ok: boolean;
    readonly codec?: string;
    readonly channels?: readonly Channel[];
    readonly error?: { readonly code: string; readonly message: string };
  };
};
type Channel = {
  readonly channel: number;
  readonly codec: string;
  readonly width: number;
  readonly settings: Record<string, unknown>;
  readonly subSettings: Record<string, unknown> | null;
  readonly alreadyAdded: boolean;
};

suite('a Dahua recorder by serial number', { skip, timeout: 120_000 }, () => {
  let recorder: DahuaRecorder;
  let nvr: Nvr;
  const driver = 'dahua-p2p';

  before(async () => {
    recorder = await startDahuaRecorder(3);
    nvr = await startNvr();
  });
  after(async () => {
    await nvr[Symbol.asyncDispose]();
    await recorder[Symbol.asyncDispose]();
  });

  /** The lines of a reply, and how many of them were there before the end. */
  async function lines(path: string, body: object): Promise<Line[]> {
    const reply = await nvr.fetch(path, {
      method: 'POST',
      headers: { accept: LINES, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^application\/x-ndjson/);
    const text = await reply.text();
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }
  const testWith = (changes: object) =>
    lines('/api/cameras/test', { driver, settings: { ...recorder.settings, relay: 'always', ...changes } });
  const steps = (all: readonly Line[]) => all.flatMap(({ step }) => (step ? [step.id] : []));

  test('the steps come in order, with what they found, and then the result', async () => {
    const all = await testWith({});
    assert.deepEqual(steps(all), ['service', 'device', 'path', 'login', 'picture']);
    assert.equal(all[0]?.step?.detail, recorder.settings.server);
    assert.equal(all[2]?.step?.detail, 'through the vendor’s relay');
    assert.equal(all.at(-1)?.result?.ok, true);
    assert.ok(!JSON.stringify(all).includes(recorder.settings.serial));
    const listed = await nvr.ok<Array<{ id: string; steps: Array<{ id: string }>; outside: unknown }>>(
      'GET',
      '/api/drivers',
    );
    const dahua = listed.find(({ id }) => id === driver);
    assert.deepEqual(
      dahua?.steps.map(({ id }) => id),
      steps(all),
    );
    assert.deepEqual(dahua?.outside, { hosts: ['www.easy4ipcloud.com'], setting: 'server' });
  });

  test('each failure is a sentence, after the steps that were reached', async () => {
    const wrong = await testWith({ password: 'wrong' });
    assert.deepEqual(steps(wrong), ['service', 'device', 'path']);
    assert.match(wrong.at(-1)?.result?.error?.message ?? '', /refuses the user name or password/);
    const missing = await testWith({ username: '', password: '' });
    assert.match(missing.at(-1)?.result?.error?.message ?? '', /asks for a user name and a password/);

    recorder.cloud.faults.isUnknown = true;
    const unknown = await testWith({ serial: 'OTHERSN000000001' });
    recorder.cloud.faults.isUnknown = false;
    assert.deepEqual(steps(unknown), []);
    assert.match(unknown.at(-1)?.result?.error?.message ?? '', /does not know this serial number/);
  });

  test('what is wrong by itself is an ordinary error, also for who asked for lines', async () => {
    const send = (path: string, body: object) =>
      nvr.fetch(path, {
        method: 'POST',
        headers: { accept: LINES, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const bad = await send('/api/cameras/test', { driver, settings: { serial: 'x/y' } });
    assert.equal(bad.status, 400);
    assert.match(bad.headers.get('content-type') ?? '', /problem\+json/);
    const none = await send('/api/drivers/rtsp/channels', { settings: { url: 'rtsp://192.0.2.1/' } });
    assert.equal(none.status, 404);
    await Promise.all([bad.body?.cancel(), none.body?.cancel()]);
  });

  test('the channels, with those that are added, over one session', async () => {
    const before = recorder.cloud.stats.attemptAtMs.length;
    const settings = { ...recorder.settings, relay: 'always' };
    const all = await lines('/api/drivers/dahua-p2p/channels', { settings });
    assert.deepEqual(steps(all), ['service', 'device', 'path', 'login']);
    const channels = all.at(-1)?.result?.channels ?? [];
    assert.deepEqual(
      channels.map(({ channel, codec, width, alreadyAdded }) => [channel, codec, width, alreadyAdded]),
      [1, 2, 3].map((n) => [n, 'h264', 320, false]),
    );
    assert.deepEqual(channels[1]?.settings, { channel: 2, subtype: 0 });
    assert.deepEqual(channels[1]?.subSettings, { channel: 2, subtype: 1 });
    assert.equal(recorder.cloud.stats.attemptAtMs.length, before + 1);
    assert.equal(recorder.rtsp.stats.mostPlaying <= 1, true, 'no channel is played for that');

    // While a camera is called, its status says what is waited for.
    const said = new Set<string | null>();
    const off = nvr.app.bus.on('camera.status', ({ slug, status }) => void (slug === 'yard' && said.add(status.step)));
    const added = await nvr.ok<{ id: string }>('POST', '/api/cameras', {
      ...{ name: 'Yard', driver, settings: { ...settings, ...channels[1]!.settings } },
    });
    await nvr.state(added.id, 'live');
    off();
    assert.ok(said.has('Looking for the device'), [...said].join());
    assert.ok(said.has('Waiting for the first picture'), [...said].join());
    assert.equal(nvr.app.fleet.get('yard').status().step, null);
    // The stored password stands for the masked one; the answer is a plain array; the camera's own tunnel is used.
    const attempts = recorder.cloud.stats.attemptAtMs.length;
    const masked = { settings: { ...settings, password: '********' }, camera: 'yard' };
    const again = await nvr.ok<Channel[]>('POST', '/api/drivers/dahua-p2p/channels', masked);
    assert.deepEqual(
      again.map(({ channel, alreadyAdded }) => [channel, alreadyAdded]),
      [
        [1, false],
        [2, true],
        [3, false],
      ],
    );
    assert.equal(recorder.cloud.stats.attemptAtMs.length, attempts, 'one login per device');
    const moved = await nvr.api('POST', '/api/drivers/dahua-p2p/channels', {
      ...masked,
      settings: { ...masked.settings, server: '127.0.0.1:9' },
    });
    assert.equal(moved.status, 400, 'a stored password does not go to another server');

    await nvr.ok('DELETE', '/api/cameras/yard');
  });

  test('a wrong password on the way to the channels is a problem with its code', async () => {
    const settings = { ...recorder.settings, relay: 'always', password: 'wrong again' };
    const reply = await nvr.api('POST', '/api/drivers/dahua-p2p/channels', { settings });
    assert.equal(reply.status, 502);
    assert.equal((reply.body as { code: string }).code, 'refused');
  });
});
