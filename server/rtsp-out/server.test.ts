// The RTSP server on the wire: who may, what is answered, what is sent, and what becomes of those who do not behave.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { encodeAvcC } from '../media/h264.ts';
import { basic, RtspClient } from '../test/rtsp-client.ts';
import { type RtspWorld, sayBlock, showPicture, startRtsp } from '../test/rtsp-world.ts';
import { testPps, testSps } from '../test/source-world.ts';
import { MAX_STRANGERS_PER_ADDRESS } from './limits.ts';

const ADMIN = basic('admin', 'correct horse battery');
const TCP = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
const token = (world: RtspWorld, cameras: readonly string[] | null = null) =>
  world.web.bearer('stream', cameras).slice('Bearer '.length);

test('who may: nobody, user, token as password, in the address, as a bearer; the limited see one camera only', async () => {
  await using world = await startRtsp(['door', 'yard']);
  for (const slug of ['door', 'yard']) showPicture(world.camera(slug), systemClock, true);
  const limited = token(world, ['door']);
  const status = async (path: string, headers: Record<string, string> = {}, address = world.url(path)) => {
    using client = await RtspClient.open(world.port);
    const reply = await client.ask('DESCRIBE', address, headers);
    return reply.status;
  };
  using stranger = await RtspClient.open(world.port);
  const refused = await stranger.ask('DESCRIBE', world.url('door'));
  assert.deepEqual(
    [refused.status, refused.headers.get('www-authenticate')],
    [401, 'Basic realm="Perch", charset="UTF-8"'],
  );
  assert.equal(refused.body.length, 0);
  assert.equal((await stranger.ask('OPTIONS', '*')).status, 200);
  assert.deepEqual(world.refused, [], 'a request without credentials is no try');
  assert.equal(await status('door', ADMIN), 200);
  assert.equal(await status('door', basic('any', limited)), 200);
  assert.equal(await status('door', { Authorization: `Bearer ${limited}` }), 200);
  assert.equal(await status(`door?token=${limited}`), 200);
  const inAddress = `rtsp://admin:correct%20horse%20battery@127.0.0.1:${world.port}/door`;
  assert.equal(await status('', {}, inAddress), 200, 'decoded once');
  for (const path of ['yard', 'nothing', 'yard/jpeg', 'yard/sub', world.camera('yard').id]) {
    assert.equal(await status(path, basic('any', limited)), 404, path);
    assert.equal(await status(path), 401, path);
  }
  assert.equal(await status('door/sub', ADMIN), 404, 'without a second source');
  assert.deepEqual(world.refused, []);
  assert.equal(await status('door', basic('admin', 'wrong')), 401);
  assert.equal(await status('door', basic('any', 'A'.repeat(43))), 401);
  assert.equal(await status(`door?token=${'B'.repeat(43)}`), 401);
  assert.deepEqual(world.refused, [
    ['127.0.0.1', 'admin', 'wrong'],
    ['127.0.0.1', 'any', 'wrong'],
    ['127.0.0.1', 'null', 'wrong'],
  ]);
});

test('guessing is bounded together with all other doors; a good token is never held up', async () => {
  await using world = await startRtsp();
  showPicture(world.camera('door'), systemClock, true);
  const { authenticator } = world.web.auth;
  const stranger = { address: '127.0.0.1' };
  // The administrator signed in from here, so that place has tries of its own; somebody unknown has not.
  for (let n = 0; n < 14; n++) await authenticator.byBasic('ghost', `wrong ${n}`, stranger);
  const ask = async (headers: Record<string, string>) => {
    using client = await RtspClient.open(world.port);
    return await client.ask('DESCRIBE', world.url('door'), headers);
  };
  assert.equal((await ask(basic('ghost', 'wrong 14'))).status, 401);
  const limited = await ask(basic('ghost', 'wrong 15'));
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers.get('retry-after')) > 0);
  assert.deepEqual(world.refused.at(-1), ['127.0.0.1', 'ghost', 'limited']);
  assert.equal((await ask(basic('x', token(world)))).status, 200);
  await assert.rejects(authenticator.byBasic('ghost', 'wrong 16', stranger), { code: 'rate_limited' });
});

test('a session ends at once with its token, its user’s password, or the right to the camera', async () => {
  await using world = await startRtsp();
  const { auth } = world.web;
  showPicture(world.camera('door'), systemClock, true);
  const owner = auth.accounts.named('admin')!;
  const issued = auth.apiTokens.add({ name: 't', scope: 'stream', cameras: null, expiresAt: null }, owner.id);
  const viewer = await auth.accounts.add({ username: 'eve', password: 'password 1', role: 'viewer', cameras: null });
  const cases = [
    [basic('x', issued.secret), () => auth.apiTokens.remove(issued.token.id)],
    [basic('eve', 'password 1'), () => auth.accounts.change(viewer.id, { cameras: [] })],
    [ADMIN, () => auth.accounts.change(owner.id, { password: 'another password' })],
  ] as const;
  for (const [headers, revoke] of cases) {
    using client = await RtspClient.open(world.port);
    await client.play(world.url('door'), headers);
    await revoke();
    await client.closed;
    using again = await RtspClient.open(world.port);
    const { status } = await again.ask('DESCRIBE', world.url('door'), headers);
    assert.ok(status === 401 || status === 404, `${status}`);
  }
});

test('UDP is answered with 461, TCP is chosen among offers, and every request has its state', async () => {
  await using world = await startRtsp();
  showPicture(world.camera('door'), systemClock, true);
  using client = await RtspClient.open(world.port);
  const url = world.url('door');
  assert.equal((await client.ask('DESCRIBE', url, ADMIN)).status, 200);
  assert.equal((await client.ask('PLAY', url)).status, 454);
  const track = `${url}/trackID=0`;
  for (const transport of ['RTP/AVP;unicast;client_port=5000-5001', 'RTP/AVP/UDP;multicast', 'x', ''])
    assert.equal((await client.ask('SETUP', track, { Transport: transport })).status, 461, transport);
  assert.equal((await client.ask('SETUP', `${url}/trackID=7`, TCP)).status, 404);
  const offers = { Transport: 'RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=4-5' };
  const set = await client.ask('SETUP', track, offers);
  assert.match(set.headers.get('transport') ?? '', /^RTP\/AVP\/TCP;unicast;interleaved=4-5;ssrc=[0-9a-f]{8}/);
  assert.match(set.headers.get('session') ?? '', /^[0-9a-f]{16};timeout=60$/);
  const right = client.session;
  client.session = 'wrong';
  assert.equal((await client.ask('PLAY', url)).status, 454);
  client.session = right;
  const played = await client.ask('PLAY', url, { Range: 'npt=0.000-' });
  assert.match(
    played.headers.get('rtp-info') ?? '',
    /^url=rtsp:\/\/127\.0\.0\.1:\d+\/door\/trackID=0;seq=\d+;rtptime=\d+$/,
  );
  assert.equal((await client.ask('SETUP', track, TCP)).status, 455, 'while it plays');
  assert.equal((await client.ask('GET_PARAMETER', url)).status, 200);
  assert.equal((await client.ask('SET_PARAMETER', '*')).status, 200);
  assert.equal((await client.ask('ANNOUNCE', url)).status, 405);
  assert.equal((await client.ask('MAKE_COFFEE', url)).status, 501);
  await client.until(() => client.packets.some(({ channel }) => channel === 4));
  assert.equal((await client.ask('PAUSE', url)).status, 200);
  const before = client.packets.length;
  showPicture(world.camera('door'), systemClock, true);
  assert.equal((await client.ask('OPTIONS', url)).status, 200);
  assert.equal(client.packets.length, before);
  assert.equal((await client.ask('PLAY', url)).status, 200);
  await client.until(() => client.packets.length > before);
  // A receiver report from the client, between two requests that came at once.
  client.say(Buffer.concat([Buffer.from([0x24, 5, 0, 8]), Buffer.alloc(8)]));
  const replies = client.replies.length;
  client.say(`OPTIONS * RTSP/1.0\r\nCSeq: 70\r\n\r\nGET_PARAMETER ${url} RTSP/1.0\r\nCSeq: 71\r\n\r\n`);
  await client.until(() => client.replies.length === replies + 2);
  assert.deepEqual(
    client.replies.slice(-2).map(({ headers }) => headers.get('cseq')),
    ['70', '71'],
  );
  assert.equal((await client.ask('TEARDOWN', url)).status, 200);
  await client.closed;
  assert.deepEqual([world.server.connections, world.camera('door').status().viewers], [0, 0]);
});

test('pictures begin at the newest key picture with parameter sets; times and reports tie sound to them', async () => {
  const clock = new ManualClock();
  await using world = await startRtsp(['door'], clock);
  const camera = world.camera('door');
  // The picture at 1000 ms (arrival) was taken at 500 on the camera's clock; B pictures come out of order.
  const at = async (ms: number) => clock.advance(ms - clock.monoMs());
  const say = () => sayBlock(camera, clock, { samples: 320, data: new Uint8Array(320) });
  await at(960);
  say();
  await at(1000);
  say();
  showPicture(camera, clock, true, { mediaMs: 500 });
  using client = await RtspClient.open(world.port);
  const sdp = await client.play(world.url('door'), ADMIN);
  assert.match(
    sdp,
    /a=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets=Z0LAHtoCgL\S+,aM4PyA==/,
  );
  assert.match(sdp, /m=audio 0 RTP\/AVP 0\r\na=rtpmap:0 PCMU\/8000\r\n/);
  const info = client.replies.at(-1)!.headers.get('rtp-info')!;
  const [videoZero = 0, audioZero = 0] = [...info.matchAll(/rtptime=(\d+)/g)].map(([, time]) => Number(time));
  for (const [arrived, media] of [
    [1040, 620],
    [1080, 540],
    [1120, 580],
  ] as const) {
    await at(arrived);
    showPicture(camera, clock, false, { mediaMs: media });
    say();
  }
  await client.until(() => client.rtp(0).length === 6 && client.rtp(1).length === 3);
  const pictures = client.rtp(0);
  assert.deepEqual(
    pictures.map(({ payload }) => payload[0]! & 31),
    [7, 8, 5, 1, 1, 1],
  );
  assert.deepEqual(
    pictures.map(({ marker }) => marker),
    [false, false, true, true, true, true],
  );
  const since = (timestamp: number, zero: number, rate: number) => ((timestamp - zero) | 0) / (rate / 1000);
  assert.deepEqual(
    pictures.slice(2).map(({ timestamp }) => Math.round(since(timestamp, videoZero, 90_000))),
    [0, 120, 40, 80],
  );
  // A block that was there at 1040 began at 1000; what began before the picture is left out.
  assert.deepEqual(
    client.rtp(1).map(({ timestamp }) => Math.round(since(timestamp, audioZero, 8000))),
    [0, 40, 80],
  );
  assert.deepEqual(
    pictures.map(({ sequence }) => (sequence - pictures[0]!.sequence) & 0xffff),
    [0, 1, 2, 3, 4, 5],
  );
  // One report of each track at the beginning, of the same moment.
  const [video, audio] = [client.rtcp(0)[0]!, client.rtcp(1)[0]!].map((bytes) => Buffer.from(bytes));
  assert.equal(video!.readBigUInt64BE(8), audio!.readBigUInt64BE(8));
  assert.equal(video!.readUInt32BE(8) - 2_208_988_800, Math.floor(clock.wallMs() / 1000));
  assert.equal(since(video!.readUInt32BE(16), videoZero, 90_000), since(audio!.readUInt32BE(16), audioZero, 8000));
  await clock.advance(5000);
  showPicture(camera, clock, true, { mediaMs: 4600 });
  await client.until(() => client.rtcp(0).length === 2);
});

test('an outage of a copied camera only pauses; other parameters are a goodbye and the end', async () => {
  const clock = new ManualClock();
  await using world = await startRtsp(['door'], clock);
  const camera = world.camera('door');
  showPicture(camera, clock, true);
  using client = await RtspClient.open(world.port);
  await client.play(world.url('door'), ADMIN);
  await client.until(() => client.rtp().length === 3);
  await clock.advance(60_000);
  await client.until(() => client.rtcp().length > 10);
  assert.deepEqual([client.rtp().length, world.server.readers], [3, 1]);
  showPicture(camera, clock, false);
  showPicture(camera, clock, true);
  await client.until(() => client.rtp().length >= 6);
  const other = encodeAvcC([Uint8Array.from([...testSps.slice(0, -1), 1])], [testPps]);
  showPicture(camera, clock, true, { codecConfig: other });
  await client.closed;
  assert.equal(client.rtcp().at(-1)![1], 203);
  assert.equal(world.server.connections, 0);
});

test('a camera that is away is 503 within 2 s; one that comes in time is described', async () => {
  await using world = await startRtsp(['door']);
  using client = await RtspClient.open(world.port);
  const began = performance.now();
  const reply = await client.ask('DESCRIBE', world.url('door'), ADMIN);
  assert.ok(performance.now() - began < 2000);
  assert.deepEqual([reply.status, reply.headers.get('retry-after')], [503, '5']);
  await world.web.fleet.change('door', { settings: { host: 'silent', password: 'camera-secret' } });
  world.web.fleet.start();
  const late = client.ask('DESCRIBE', world.url('door'), ADMIN);
  using other = await RtspClient.open(world.port);
  await other.ask('OPTIONS', '*');
  showPicture(world.camera('door'), systemClock, true);
  assert.equal((await late).status, 200);
});

test('a slow reader loses pictures, goes on at the newest key picture, and holds up nobody', async () => {
  await using world = await startRtsp();
  const camera = world.camera('door');
  const clock = systemClock;
  const started = clock.monoMs();
  // Time is in the frames: 40 ms apart, a key picture a second, 25 Mbit/s.
  const show = (n: number) =>
    showPicture(camera, clock, n % 25 === 0, { monoMs: started + n * 40, at: clock.wallMs() + n * 40 }, 125_000);
  show(0);
  using slow = await RtspClient.open(world.port);
  using quick = await RtspClient.open(world.port);
  await slow.play(world.url('door'), ADMIN);
  slow.socket.pause();
  await quick.play(world.url('door'), ADMIN);
  const pictures = 400;
  for (let n = 1; n <= pictures; n++) {
    show(n);
    await quick.until(() => quick.rtp().filter(({ marker }) => marker).length > n - 2);
    if (n % 50 === 0) quick.packets.splice(0, quick.packets.length - 200);
    if (n % 50 === 0) break;
  }
  for (let n = 51; n <= pictures; n++) {
    show(n);
    await new Promise(setImmediate);
  }
  assert.ok(world.server.tally.get('picturesSkipped') === 0, 'nothing is skipped for those who are only late');
  slow.socket.resume();
  const sinceFirst = (packets = slow.rtp()) => (packets.at(-1)!.timestamp - packets[0]!.timestamp) >>> 0;
  await slow.until(() => slow.rtp().at(-1)?.marker === true && sinceFirst() >= pictures * 40 * 90 - 90);
  assert.ok(world.server.tally.get('picturesSkipped') > 100);
  const types = slow.rtp().map(({ payload, sequence }) => ({ type: payload[0]! & 31, sequence }));
  for (const [n, { sequence }] of types.entries())
    assert.equal(sequence, (types[0]!.sequence + n) & 0xffff, 'no packet is missing');
  // The ring holds more than five seconds; who was away for longer goes on at its end, not at its beginning.
  const times = slow
    .rtp()
    .filter(({ marker }) => marker)
    .map(({ timestamp }) => timestamp);
  const steps = times.slice(1).map((time, n) => (time - times[n]!) >>> 0);
  const gap = steps.indexOf(Math.max(...steps));
  assert.ok(steps[gap]! > 5 * 90_000);
  assert.ok((times.at(-1)! - times[gap + 1]!) >>> 0 <= 2 * 90_000, 'goes on near the newest');
});

test('rubbish, too much, silence and crowds end connections; an honest client gets in', async () => {
  const clock = new ManualClock();
  await using world = await startRtsp(['door'], clock);
  showPicture(world.camera('door'), clock, true);
  const big = 'x'.repeat(20_000);
  const sayings: [string | Uint8Array, number | null][] = [
    ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [Uint8Array.from({ length: 64 }, (_, n) => (n * 37 + 1) & 255), 400],
    [`OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: ${big}\r\n\r\n`, 400],
    ['OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n', 400],
    ['OPTIONS * RTSP/1.0\r\n\r\n', 400],
    ['RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n', 400],
    ['OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(500), 503],
  ];
  for (const [saying, status] of sayings) {
    using client = await RtspClient.open(world.port);
    client.say(saying);
    await client.closed;
    assert.equal(client.replies.at(-1)?.status ?? null, status, String(saying).slice(0, 40));
  }
  using guesser = await RtspClient.open(world.port);
  for (let n = 0; n < 11; n++) await guesser.ask('DESCRIBE', world.url('door'), basic('x', 'same'));
  await guesser.closed;
  using silent = await RtspClient.open(world.port);
  using half = await RtspClient.open(world.port);
  half.say('OPTIONS * RTS');
  await half.ask('OPTIONS', '*').catch(() => {});
  using honest = await RtspClient.open(world.port);
  await honest.play(world.url('door'), ADMIN);
  await clock.advance(16_000);
  await Promise.all([silent.closed, half.closed]);
  using idle = await RtspClient.open(world.port);
  assert.equal((await idle.ask('DESCRIBE', world.url('door'), ADMIN)).status, 503, 'its picture is old by now');
  await clock.advance(61_000);
  await idle.closed;
  assert.equal(world.server.readers, 1);
  const crowd: RtspClient[] = [];
  for (let n = 0; n < MAX_STRANGERS_PER_ADDRESS + 5; n++) crowd.push(await RtspClient.open(world.port));
  await Promise.all(crowd.slice(0, 5).map(({ closed }) => closed));
  using last = await RtspClient.open(world.port);
  assert.equal((await last.ask('OPTIONS', '*')).status, 200);
  for (const client of crowd) client[Symbol.dispose]();
});
