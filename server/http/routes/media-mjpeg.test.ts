// The reading rules of the public interface for `/mjpeg`, byte by byte, over a real socket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { ManualClock } from '../../core/manual-clock.ts';
import { fakeJpeg, LiveFixture, realJpeg } from '../../test/live/fixture.ts';
import { RawClient, type ReadPart, until } from '../../test/live/raw-client.ts';

const MJPEG = '/cameras/porch/mjpeg';
const isRepeat = (part: ReadPart) => part.headers['x-perch-repeat'] === '1';
/** Nothing new is there: only the boundary that follows every part at once. */
const isQuiet = (client: RawClient) => client.pending.length <= '--frame\r\n'.length;

/** The next part, while the clock of the feeds runs; painting a card takes real time. */
async function partInTime(client: RawClient, clock: ManualClock, stepMs = 10): Promise<ReadPart> {
  const part = client.part();
  let done = false;
  void part.finally(() => {
    done = true;
  });
  while (!done) await clock.advance(stepMs);
  return part;
}

test('rule 3: status, headers and first bytes are exactly as promised, and nothing is chunked', async () => {
  await using perch = await LiveFixture.start();
  perch.camera.show(fakeJpeg(1));
  using client = await RawClient.open(perch.port, `${MJPEG}?token=${perch.token}`, ['Range: bytes=0-10']);
  const { status, headers } = await client.head();
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'multipart/x-mixed-replace; boundary=frame');
  assert.equal(headers.connection, 'close');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers['cross-origin-resource-policy'], 'cross-origin');
  assert.equal(headers['access-control-allow-origin'], '*');
  assert.equal(headers['access-control-allow-headers'], 'Authorization, Range');
  assert.equal(headers['access-control-expose-headers'], 'Content-Length, Content-Range, Accept-Ranges, Last-Modified');
  assert.equal(headers['transfer-encoding'], undefined);
  assert.equal(headers['content-length'], undefined);
  const first = fakeJpeg(1);
  const head = `Content-Type: image/jpeg\r\nContent-Length: ${first.length}\r\n`;
  const expected = Buffer.concat([Buffer.from(`--frame\r\n${head}\r\n`), first, Buffer.from('\r\n--frame\r\n')]);
  assert.deepEqual(await client.bytes(expected.length), expected);
});

test('rule 2: the first picture comes at once and twice, later ones once while others follow', async () => {
  await using perch = await LiveFixture.start(['porch'], new ManualClock());
  perch.camera.show(fakeJpeg(1));
  using client = await RawClient.open(perch.port, MJPEG, [`Authorization: Bearer ${perch.token}`]);
  await client.head();
  const [first, again] = [await client.part(), await client.part()];
  assert.deepEqual([first.body, isRepeat(first)], [fakeJpeg(1), false]);
  assert.deepEqual([again.body, isRepeat(again)], [fakeJpeg(1), true]);
  for (let n = 2; n < 30; n++) {
    perch.camera.show(fakeJpeg(n));
    const part = await client.part();
    assert.deepEqual([part.body, isRepeat(part)], [fakeJpeg(n), false]);
  }
});

test('rule 2: a picture without a successor for 250 ms is sent again, once', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.show(fakeJpeg(1));
  using client = await RawClient.open(perch.port, `${MJPEG}?token=${perch.token}`);
  await client.head();
  await client.part();
  await client.part();
  await clock.advance(40);
  perch.camera.show(fakeJpeg(2));
  assert.equal(isRepeat(await client.part()), false);
  await clock.advance(240);
  assert.ok(isQuiet(client), 'nothing before 250 ms');
  await clock.advance(12);
  const repeat = await client.part();
  assert.deepEqual([repeat.body, isRepeat(repeat)], [fakeJpeg(2), true]);
  await clock.advance(2000);
  perch.camera.show(fakeJpeg(3));
  const next = await client.part();
  assert.deepEqual([next.body, isRepeat(next)], [fakeJpeg(3), false]);
});

test('rule 4: before the first frame there is a card within 1 s, repeated at least every 5 s', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.state = 'connecting';
  const asked = Date.now();
  using client = await RawClient.open(perch.port, `${MJPEG}?token=${perch.token}`);
  assert.equal((await client.head()).status, 200);
  const card = await partInTime(client, clock, 0);
  assert.ok(Date.now() - asked < 1000);
  const { width, format } = await sharp(card.body).metadata();
  assert.deepEqual([width, format], [640, 'jpeg']);
  assert.ok(isRepeat(await client.part()), 'the first picture is sent twice, a card too');
  for (let n = 0; n < 3; n++) {
    const before = clock.monoMs();
    const repeat = await partInTime(client, clock, 100);
    assert.ok(clock.monoMs() - before <= 5000);
    assert.deepEqual([repeat.body, isRepeat(repeat)], [card.body, true]);
  }
  perch.camera.state = 'live';
  perch.camera.show(fakeJpeg(7));
  assert.deepEqual((await client.part()).body, fakeJpeg(7));
});

test('rule 4: when painting is slow the headers and a ready-made card still come within 1 s', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  // Whatever has not been painted by 600 ms is replaced; here time passes before any painting can end.
  using client = await RawClient.open(perch.port, `${MJPEG}?token=${perch.token}`);
  await client.head();
  perch.feeds.cards.get = () => ({ key: '', part: null, painting: new Promise(() => {}) });
  await clock.advance(0);
  const card = await partInTime(client, clock, 50);
  assert.ok(clock.monoMs() <= 1000);
  assert.equal((await sharp(card.body).metadata()).format, 'jpeg');
});

test('rule 4: from 10 s after the last frame there is a card instead of the old picture, and live again after', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  const picture = await realJpeg(320, 240);
  perch.camera.show(picture);
  using client = await RawClient.open(perch.port, `${MJPEG}?token=${perch.token}`);
  await client.head();
  await client.part();
  await client.part();
  await clock.advance(9900);
  assert.ok(isQuiet(client), 'no card yet');
  perch.camera.state = 'backingOff';
  const card = await partInTime(client, clock);
  assert.ok(clock.monoMs() >= 10_000 && clock.monoMs() < 11_000, `${clock.monoMs()}`);
  assert.notDeepEqual(card.body, picture);
  assert.equal((await sharp(card.body).metadata()).width, 320);
  const again = await partInTime(client, clock);
  assert.deepEqual([again.body, isRepeat(again)], [card.body, true], 'the card is a picture without a successor');
  // A viewer that comes now gets the card first, never the old picture.
  using late = await RawClient.open(perch.port, `${MJPEG}?token=${perch.token}`);
  await late.head();
  assert.deepEqual((await partInTime(late, clock)).body, card.body);
  const next = fakeJpeg(9);
  perch.camera.show(next);
  for (;;) {
    const part = await client.part();
    if (isRepeat(part)) continue;
    assert.deepEqual(part.body, next);
    break;
  }
});

test('rule 4: ?plain=1 repeats the last picture instead of a card', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.show(fakeJpeg(1));
  using client = await RawClient.open(perch.port, `${MJPEG}?plain=1&token=${perch.token}`);
  await client.head();
  await client.part();
  await client.part();
  await clock.advance(10_000);
  for (let n = 0; n < 3; n++) {
    const before = clock.monoMs();
    const part = await partInTime(client, clock, 100);
    assert.ok(clock.monoMs() - before <= 5000);
    assert.deepEqual([part.body, isRepeat(part)], [fakeJpeg(1), true]);
  }
  using late = await RawClient.open(perch.port, `${MJPEG}?plain=1&token=${perch.token}`);
  await late.head();
  assert.deepEqual((await late.part()).body, fakeJpeg(1));
});

test('rule 5: HEAD answers the headers at once and starts nothing', async () => {
  await using perch = await LiveFixture.start();
  for (const [path, type] of [
    [MJPEG, 'multipart/x-mixed-replace; boundary=frame'],
    ['/cameras/porch/frames', 'video/x-motion-jpeg'],
    ['/cameras/porch/audio', 'audio/x-ima-adpcm'],
    ['/cameras/porch/audio.wav', 'audio/wav'],
  ] as const) {
    const reply = await fetch(perch.url(`${path}?token=${perch.token}`), { method: 'HEAD' });
    assert.deepEqual([reply.status, reply.headers.get('content-type')], [200, type]);
    assert.equal(reply.headers.get('content-length'), null);
  }
  assert.deepEqual([perch.feeds.viewers, perch.camera.hub.readers], [0, 0]);
});

test('rule 6: OPTIONS is 204 without signing in; rule 1: 401 says how to sign in', async () => {
  await using perch = await LiveFixture.start();
  const options = await fetch(perch.url(MJPEG), { method: 'OPTIONS' });
  assert.equal(options.status, 204);
  assert.equal(options.headers.get('access-control-allow-origin'), '*');
  assert.equal(options.headers.get('access-control-allow-headers'), 'Authorization, Range');
  for (const path of [MJPEG, '/cameras/porch/snapshot.jpg', '/embed/porch']) {
    const bare = await fetch(perch.url(path));
    assert.equal(bare.status, 401);
    assert.equal(bare.headers.get('www-authenticate'), 'Basic realm="Perch", charset="UTF-8"');
  }
});

test('?fps limits the rate; the newest picture at each beat is shown, also the last one before silence', async () => {
  const clock = new ManualClock();
  await using perch = await LiveFixture.start(['porch'], clock);
  perch.camera.show(fakeJpeg(0));
  using client = await RawClient.open(perch.port, `${MJPEG}?fps=5&token=${perch.token}`);
  await client.head();
  const got: ReadPart[] = [];
  for (let n = 1; n <= 40; n++) {
    await clock.advance(50);
    perch.camera.show(fakeJpeg(n));
  }
  await clock.advance(220);
  await until(() => perch.camera.hub.newestVideo !== null && client.pending.includes(fakeJpeg(40)), 'the last picture');
  while (client.pending.length > 0 && client.pending.includes('Content-Type')) got.push(await client.part());
  const pictures = got.filter((part) => !isRepeat(part));
  assert.ok(pictures.length >= 10 && pictures.length <= 12, `${pictures.length} pictures in 2.2 s`);
  assert.deepEqual(pictures.at(-1)?.body, fakeJpeg(40));
});

test('?width shrinks, once per picture for all viewers of that width, and never enlarges', async () => {
  await using perch = await LiveFixture.start();
  const picture = await realJpeg(640, 480);
  perch.camera.show(picture, { width: 640, height: 480 });
  const open = (width: number) => RawClient.open(perch.port, `${MJPEG}?width=${width}&token=${perch.token}`);
  using small = await open(320);
  using twin = await open(320);
  using large = await open(1280);
  const parts = await Promise.all(
    [small, twin, large].map(async (client) => {
      await client.head();
      return client.part();
    }),
  );
  assert.equal((await sharp(parts[0]!.body).metadata()).width, 320);
  assert.deepEqual(parts[0]!.body, parts[1]!.body);
  assert.deepEqual(parts[2]!.body, picture, 'untouched');
  assert.equal(perch.camera.hub.viewers, 3);
  for (const client of [small, twin, large]) client.socket.destroy();
  await until(() => perch.camera.hub.readers === 0 && perch.feeds.cameras === 0, 'everything is freed');
});

test('bad parameters are told, unknown ones against caches are not minded', async () => {
  await using perch = await LiveFixture.start();
  for (const query of [
    'fps=0',
    'fps=-1',
    'fps=x',
    'width=3',
    'width=99999',
    'width=1.5',
    'plain=maybe',
    'fps=1&fps=2',
  ]) {
    const reply = await fetch(perch.url(`${MJPEG}?${query}&token=${perch.token}`));
    assert.equal(reply.status, 400, query);
    assert.match(reply.headers.get('content-type') ?? '', /problem\+json/);
  }
  using client = await RawClient.open(perch.port, `${MJPEG}?_=123&token=${perch.token}`);
  assert.equal((await client.head()).status, 200);
});
