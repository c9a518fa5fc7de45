// Snapshots and sound.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { ManualClock } from '../../core/manual-clock.ts';
import { encodeAacConfig } from '../../media/aac.ts';
import { decodeImaBlock, ImaStreamEncoder, pcmBytes } from '../../media/ima-adpcm.ts';
import { fakeJpeg, LiveFixture, realJpeg } from '../../test/live/fixture.ts';
import { RawClient, until } from '../../test/live/raw-client.ts';

const SNAPSHOT = '/cameras/porch/snapshot.jpg';

test('a snapshot is the newest frame from memory, untouched, with its date', async () => {
  await using perch = await LiveFixture.start();
  perch.camera.show(fakeJpeg(1));
  perch.camera.show(fakeJpeg(2));
  const reply = await fetch(perch.url(`${SNAPSHOT}?token=${perch.token}`));
  assert.deepEqual([reply.status, reply.headers.get('content-type')], [200, 'image/jpeg']);
  assert.deepEqual(Buffer.from(await reply.arrayBuffer()), fakeJpeg(2));
  const at = perch.camera.hub.newestVideo!.frame.at;
  assert.equal(Date.parse(reply.headers.get('last-modified')!), Math.floor(at / 1000) * 1000);
  const head = await fetch(perch.url(`${SNAPSHOT}?token=${perch.token}`), { method: 'HEAD' });
  assert.equal(head.headers.get('etag'), reply.headers.get('etag'));
});

test('a caller that has the newest picture waits for a newer one, at most a second; others do not', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.show(fakeJpeg(1));
  const get = async () => Buffer.from(await (await fetch(perch.url(`${SNAPSHOT}?token=${perch.token}`))).arrayBuffer());
  assert.deepEqual(await get(), fakeJpeg(1));
  const waiting = get();
  await until(() => perch.camera.hub.readers === 1, 'the second request waits');
  const head = await fetch(perch.url(`${SNAPSHOT}?token=${perch.token}`), { method: 'HEAD' });
  assert.equal(head.status, 200, 'HEAD does not wait');
  perch.camera.show(fakeJpeg(2));
  assert.deepEqual(await waiting, fakeJpeg(2));
  const third = get();
  await until(() => perch.camera.hub.readers === 1, 'the third request waits');
  await clock.advance(1000);
  assert.deepEqual(await third, fakeJpeg(2), 'after a second the same again');
  assert.equal(perch.camera.hub.readers, 0);
});

test('conditional requests: 304 only for the very picture the caller has', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.show(fakeJpeg(1));
  const get = (headers: Record<string, string>) =>
    fetch(perch.url(SNAPSHOT), { headers: { authorization: `Bearer ${perch.token}`, ...headers }, cache: 'no-store' });
  const waited = async (headers: Record<string, string>) => {
    const reply = get(headers);
    await until(() => perch.camera.hub.readers === 1, 'the request waits');
    await clock.advance(1000);
    return reply;
  };
  const first = await get({});
  const etag = first.headers.get('etag')!;
  const date = first.headers.get('last-modified')!;
  assert.equal((await waited({ 'if-none-match': etag })).status, 304);
  assert.equal((await waited({ 'if-none-match': `"x", W/${etag}` })).status, 304);
  assert.equal((await waited({ 'if-modified-since': date })).status, 304);
  perch.camera.show(fakeJpeg(2)); // one second later on the manual clock is not needed: the same second will do
  const next = await get({ 'if-modified-since': date, 'if-none-match': etag });
  assert.equal(next.status, 200);
  assert.deepEqual(Buffer.from(await next.arrayBuffer()), fakeJpeg(2));
  perch.camera.show(fakeJpeg(3));
  const sameSecond = await get({ 'if-modified-since': next.headers.get('last-modified')! });
  assert.equal(sameSecond.status, 200, 'a newer picture of the same second');
});

test('without a picture, or with one older than maxAge: 503, Retry-After and a card', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  const get = (query: string) => fetch(perch.url(`${SNAPSHOT}?token=${perch.token}${query}`));
  const none = await get('');
  assert.deepEqual([none.status, none.headers.get('content-type')], [503, 'image/jpeg']);
  assert.ok(Number(none.headers.get('retry-after')) >= 1);
  assert.equal((await sharp(Buffer.from(await none.arrayBuffer())).metadata()).format, 'jpeg');
  const picture = await realJpeg(320, 240);
  perch.camera.show(picture);
  await clock.advance(5000);
  assert.equal((await get('&maxAge=6')).status, 200);
  const old = await get('&maxAge=4');
  assert.equal(old.status, 503);
  assert.notDeepEqual(Buffer.from(await old.arrayBuffer()), picture);
});

test('a snapshot can be shrunk, never enlarged', async () => {
  await using perch = await LiveFixture.start();
  const picture = await realJpeg(640, 480);
  perch.camera.show(picture);
  const get = async (width: number) =>
    Buffer.from(await (await fetch(perch.url(`${SNAPSHOT}?width=${width}&token=${perch.token}`))).arrayBuffer());
  const { width, height } = await sharp(await get(100)).metadata();
  assert.deepEqual([width, height], [100, 75]);
  assert.deepEqual(await get(1000), picture);
});

/** One camera block of IMA ADPCM: zero header, then nibbles. */
function block(seed: number): Buffer {
  const bytes = Buffer.alloc(4 + 256);
  for (let i = 4; i < bytes.length; i++) bytes[i] = (i * 37 + seed * 11) & 0xff;
  return bytes;
}

test('/audio is one continuous IMA stream, /audio.wav is PCM behind an endless header', async () => {
  await using perch = await LiveFixture.start();
  perch.camera.sound(block(0));
  const open = async (name: string) => RawClient.open(perch.port, `/cameras/porch/${name}?token=${perch.token}`);
  using ima = await open('audio');
  using wav = await open('audio.wav');
  const heads = [await ima.head(), await wav.head()];
  assert.deepEqual(
    heads.map(({ status, headers }) => [status, headers['content-type'], headers['transfer-encoding']]),
    [
      [200, 'audio/x-ima-adpcm', undefined],
      [200, 'audio/wav', undefined],
    ],
  );
  const encoder = new ImaStreamEncoder();
  const riff = await wav.bytes(44);
  assert.equal(riff.toString('latin1', 0, 4) + riff.toString('latin1', 8, 16), 'RIFFWAVEfmt ');
  assert.deepEqual(
    [riff.readUInt16LE(20), riff.readUInt16LE(22), riff.readUInt32LE(24), riff.readUInt16LE(34)],
    [1, 1, 8000, 16],
  );
  for (let n = 1; n <= 20; n++) {
    perch.camera.sound(block(n));
    const pcm = decodeImaBlock(block(n));
    assert.deepEqual(await wav.bytes(pcm.length * 2), Buffer.from(pcmBytes(pcm)));
    const expected = Buffer.from(encoder.encode(pcm));
    assert.deepEqual(await ima.bytes(expected.length), expected);
  }
  assert.equal(perch.camera.hub.viewers, 2);
});

test('a camera without sound is 404 when it is live and 503 when it is away', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.show(fakeJpeg(1));
  const get = () => fetch(perch.url(`/cameras/porch/audio?token=${perch.token}`));
  const silent = get();
  await until(() => perch.camera.hub.readers === 1, 'the request listens for a moment');
  await clock.advance(1000);
  assert.equal((await silent).status, 404);
  perch.camera.state = 'backingOff';
  const away = await get();
  assert.equal(away.status, 503);
  assert.ok(away.headers.get('retry-after'));
  perch.camera.sound(block(1), 'aac');
  assert.equal((await get()).status, 404, 'AAC that does not say what it is');
});

test('sound: a client that leaves is forgotten; PCM cameras work too; a change of format ends the answer', async () => {
  await using perch = await LiveFixture.start();
  perch.camera.sound(Buffer.alloc(320), 'pcm-s16le');
  const client = await RawClient.open(perch.port, `/cameras/porch/audio.wav?token=${perch.token}`);
  await client.head();
  await client.bytes(44);
  const samples = Buffer.from([1, 0, 255, 255]);
  perch.camera.sound(samples, 'pcm-s16le');
  assert.deepEqual(await client.bytes(4), samples);
  perch.camera.sound(samples, 'aac');
  await client.end();
  await until(() => perch.camera.hub.readers === 0 && perch.feeds.cameras === 0, 'nobody listens');
});

/** Starts a Perch whose ffmpeg is that program, in front of a camera whose sound is AAC. */
async function startDecoding(t: TestContext, program: string, clock?: ManualClock) {
  const before = process.env.FFMPEG_PATH;
  process.env.FFMPEG_PATH = program;
  t.after(() => {
    if (before === undefined) delete process.env.FFMPEG_PATH;
    else process.env.FFMPEG_PATH = before;
  });
  const perch = await LiveFixture.start(['porch'], clock);
  const aac = { codec: 'aac', codecConfig: encodeAacConfig(16_000, 1), sampleRate: 16_000, channels: 1 } as const;
  const block = () => {
    const now = { at: perch.clock.wallMs(), monoMs: perch.clock.monoMs(), mediaMs: null };
    perch.camera.hub.publish({ kind: 'audio', ...aac, samples: 1024, data: new Uint8Array(64), ...now });
  };
  block();
  /** Waits while blocks come: ffmpeg is looked at with each. */
  const whileSending = (isSo: () => boolean, what: string) =>
    until(() => {
      block();
      return isSo();
    }, what);
  return { perch, whileSending };
}

for (const [what, program] of [
  ['missing', '/nonexistent/ffmpeg'],
  ['failing', '/bin/false'],
] as const) {
  test(`sound that needs decoding, ffmpeg ${what}: an error that says so, and no endless silence`, async (t) => {
    const { perch, whileSending } = await startDecoding(t, program);
    await using _ = perch;
    const get = async (name: string) => {
      let answered = false;
      const asked = fetch(perch.url(`/cameras/porch/${name}?token=${perch.token}`)).finally(() => (answered = true));
      await whileSending(() => answered, 'an answer');
      return asked;
    };
    const wav = await get('audio.wav');
    assert.deepEqual([wav.status, wav.headers.get('retry-after')], [503, '5']);
    const problem = (await wav.json()) as { code: string; detail: string };
    assert.equal(problem.code, 'unavailable');
    assert.match(problem.detail, /decode.*ffmpeg is missing or fails/);
    assert.equal((await get('audio.wav')).status, 503, 'the second time, too');
    const copied = await get('audio');
    assert.deepEqual([copied.status, copied.headers.get('content-type')], [200, 'audio/aac']);
    await copied.body?.cancel();
    await until(() => perch.camera.hub.viewers === 0, 'nobody listens');
  });
}

test('an ffmpeg that gives no sound and then fails ends the answer that waited for it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'perch-sound-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [program, end] = [join(folder, 'ffmpeg'), join(folder, 'end')];
  writeFileSync(program, `#!/bin/sh\nwhile [ ! -e ${end} ]; do sleep 0.02; done\nexit 1\n`, { mode: 0o755 });
  const clock = new ManualClock();
  const { perch, whileSending } = await startDecoding(t, program, clock);
  await using _ = perch;
  const { hub } = perch.camera;
  const opening = RawClient.open(perch.port, `/cameras/porch/audio.wav?token=${perch.token}`);
  await until(() => hub.readers >= 2, 'the decoder is asked');
  await clock.advance(1000);
  const client = await opening;
  assert.equal((await client.head()).status, 200, 'a slow one is waited for');
  writeFileSync(end, '');
  let over = false;
  void client.end().then(() => (over = true));
  await whileSending(() => over, 'the end of the answer');
  assert.equal(hub.viewers, 0);
});
