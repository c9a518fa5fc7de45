// Discovery, login and slots: rows 1 to 6 and 20 of section 17.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError } from '../../core/nvr-error.ts';
import { encodeDiscoveryRequest, encodeLoginRequest } from '../../drivers/iwfcam/wire.ts';
import { IwfcamSimulator } from './simulator.ts';
import { CAMERA, CLIENT, startWorld } from './test-world.ts';

const CLOUD_ID = [7, 0x11223344, 2571] as const;

test('discovery: 76 bytes from the discovery port to the asker', async () => {
  await using world = await startWorld({ uid: 'TEST001-0123456789AB-0001F4' });
  const client = await world.client();
  client.discover(world.discovery);
  await world.travel();
  const [answer] = client.arrivals;
  assert.equal(answer?.bytes.length, 76);
  assert.deepEqual(answer.from, world.discovery);
  assert.ok(answer.packet?.kind === 'discoveryResponse');
  const [item] = answer.packet.items;
  assert.equal(item?.uid, 'TEST001-0123456789AB-0001F4');
  assert.equal(item.lanAddress, CAMERA);
  assert.equal(item.lanPort, world.simulator.mediaPort);
  assert.deepEqual(item.identity, [0, 0, 0]);
});

test('discovery tells the last two numbers of a cloud identity, never the first', async () => {
  await using world = await startWorld({ cloudId: CLOUD_ID });
  const client = await world.client();
  client.discover(world.discovery);
  await world.travel();
  assert.ok(client.arrivals[0]?.packet?.kind === 'discoveryResponse');
  assert.deepEqual(client.arrivals[0].packet.items[0]?.identity, [0, CLOUD_ID[1], CLOUD_ID[2]]);
});

test('discovery: copies and broadcast copies when asked for', async () => {
  await using world = await startWorld({ discoveryCopies: 3, broadcastReplies: true, port: 10104 });
  const everywhere = await world.net.host(CLIENT).openUdp({ port: 777 });
  const neighbor = await world.net.host('10.0.0.77').openUdp({ port: 10104 });
  const counts = { everywhere: 0, neighbor: 0 };
  everywhere.onDatagram(() => void counts.everywhere++);
  neighbor.onDatagram(() => void counts.neighbor++);
  everywhere.send(encodeDiscoveryRequest(), world.discovery);
  await world.travel();
  assert.deepEqual(counts, { everywhere: 4, neighbor: 1 });
});

test('discovery by broadcast finds a camera on the LAN', async () => {
  await using world = await startWorld({ port: 10104 });
  const socket = await world.net.host(CLIENT).openUdp({ broadcast: true });
  let answers = 0;
  socket.onDatagram(() => void answers++);
  socket.send(encodeDiscoveryRequest(), { address: '10.0.0.255', port: 10104 });
  await world.travel();
  assert.equal(answers, 1);
});

test('each socket answers only its own packets', async () => {
  await using world = await startWorld();
  const client = await world.client();
  client.discover(world.media);
  client.login(world.discovery);
  await world.travel();
  assert.equal(client.arrivals.length, 0);
  assert.equal(world.simulator.stats.ignored, 2);
});

test('garbage, lies about the length and unknown signatures are ignored silently', async () => {
  await using world = await startWorld();
  const client = await world.client();
  const request = encodeDiscoveryRequest();
  const tooLong = request.slice();
  tooLong[6] = 200;
  const otherKind = request.slice();
  otherKind[8] = 2;
  for (const bytes of [new Uint8Array(0), request.slice(0, 7), tooLong, otherKind, Buffer.from('9TEG12345678')]) {
    client.send(bytes, world.discovery);
    client.send(bytes, world.media);
  }
  await world.travel();
  assert.equal(client.arrivals.length, 0);
});

test('a good login: live parameters first, then the response to the source', async () => {
  await using world = await startWorld({ name: 'Porch' });
  const client = await world.login();
  assert.deepEqual(
    client.arrivals.map(({ packet }) => packet?.kind),
    ['answer', 'loginResponse'],
  );
  assert.equal(client.answers[0]?.data.length, 84);
  assert.equal(client.answers[0]?.sub, 0);
  const [response] = client.logins;
  assert.equal(response?.result, 0);
  assert.equal(response.session, 1);
  assert.equal(response.online, 1);
  assert.equal(response.lanPort, world.simulator.mediaPort);
  assert.equal(response.name, 'Porch');
});

test('refusals come in the order of the device code', async () => {
  await using world = await startWorld({ cloudId: CLOUD_ID, slots: 1 });
  const resultOf = async (fields: Parameters<typeof world.login>[0]) => (await world.login(fields)).logins[0];
  const nowhere = { address: '0.0.0.0', port: 0 };
  const mismatch = await resultOf({ password: 'wrong', claim: nowhere });
  assert.equal(mismatch?.result, 1);
  assert.deepEqual(mismatch.identity, CLOUD_ID, 'the right identity comes with the refusal');
  assert.equal((await resultOf({ identity: CLOUD_ID, password: 'wrong', claim: nowhere }))?.result, 1);
  assert.equal((await resultOf({ identity: CLOUD_ID, password: 'wrong' }))?.result, 3);
  assert.equal((await resultOf({ identity: CLOUD_ID }))?.result, 0);
  assert.equal((await resultOf({ identity: CLOUD_ID, password: 'wrong' }))?.result, 3);
  assert.equal((await resultOf({ identity: CLOUD_ID }))?.result, 2);
});

test('a login too short for a credential gets result 1, one too short for an address nothing', async () => {
  await using world = await startWorld();
  const client = await world.client();
  const request = encodeLoginRequest({
    identity: [0, 0, 0],
    publicAddress: '0.0.0.0',
    publicPort: 0,
    lanPort: client.local.port,
    lanAddress: CLIENT,
    credential: '\t9e8040834b3a',
  });
  for (const length of [39, 23]) {
    const short = request.slice(0, 8 + length);
    short[6] = length;
    client.send(short, world.media);
    await world.travel();
  }
  assert.deepEqual(
    client.logins.map(({ result }) => result),
    [1],
  );
});

test('the password is honored', async () => {
  await using world = await startWorld({ password: 'gärtner' });
  assert.equal((await world.login({ password: '8888' })).logins[0]?.result, 3);
  assert.equal((await world.login({ password: 'gärtner' })).logins[0]?.result, 0);
});

test('media goes to the claimed address, the response to the source', async () => {
  await using world = await startWorld();
  const claimed = await world.client(5000, '10.0.0.50');
  const source = await world.login({ claim: claimed.local });
  assert.equal(source.logins[0]?.session, 1);
  assert.equal(claimed.answers.length, 1, 'live parameters go where media goes');
  await world.live(source, 1);
  assert.equal(source.pictures.length + claimed.pictures.length, 0, 'commands count only from the claimed address');
  await world.live(claimed, 1);
  await world.clock.advance(500);
  assert.ok(claimed.pictures.length > 3);
  assert.equal(source.pictures.length, 0);
});

test('streamToSource: media and matching by the source of the login', async () => {
  await using world = await startWorld({ streamToSource: true });
  const client = await world.login({ claim: { address: '10.0.0.50', port: 5000 } });
  await world.live(client, 1);
  await world.clock.advance(500);
  assert.ok(client.pictures.length > 3);
});

test('it never becomes a reflector: claims outside its own network are refused silently', async () => {
  await using world = await startWorld();
  for (const address of ['192.0.2.20', '10.0.1.9', '127.0.0.1', '255.255.255.255', '10.0.0.255', '224.0.0.1']) {
    const client = await world.login({ claim: { address, port: 53 } });
    assert.equal(client.arrivals.length, 0, address);
  }
  assert.equal(world.simulator.stats.claimsRefused, 6);
  assert.equal(world.simulator.slots.length, 0);
});

test('it answers nobody outside its own network', async () => {
  await using world = await startWorld();
  const outsider = await world.client(0, '198.51.100.7');
  outsider.discover(world.discovery);
  outsider.login(world.media, { claim: { address: CLIENT, port: 5000 } });
  await world.travel();
  assert.equal(outsider.arrivals.length, 0);
  assert.equal(world.simulator.slots.length, 0);
});

test('the same address and port gets its slot again and starts cleared', async () => {
  await using world = await startWorld();
  const first = await world.watch(3, 41773);
  const other = await world.watch();
  assert.equal(other.logins[0]?.session, 2);
  await first.close();
  const again = await world.login({}, 41773);
  assert.equal(again.logins[0]?.session, 1);
  assert.equal(again.logins[0]?.online, 2);
  await world.clock.advance(500);
  assert.equal(again.pictures.length, 0, 'media waits for a new live request');
});

test('a login repeated after live start stops media', async () => {
  await using world = await startWorld();
  const client = await world.watch(1, 41773);
  await world.clock.advance(500);
  assert.ok(client.pictures.length > 3);
  client.login(world.media);
  await world.travel();
  const count = client.pictures.length;
  await world.clock.advance(500);
  assert.equal(client.pictures.length, count);
});

for (const slots of [1, 2, 8]) {
  test(`${slots} slots: numbered from 1, then full, and a freed one is given again`, async () => {
    await using world = await startWorld({ slots });
    const clients = [];
    for (let n = 0; n < slots; n++) clients.push(await world.login());
    assert.deepEqual(
      clients.map(({ logins }) => logins[0]?.session),
      Array.from({ length: slots }, (_, n) => n + 1),
    );
    const tooMany = await world.login();
    assert.equal(tooMany.logins[0]?.result, 2);
    assert.equal(tooMany.logins[0]?.session, 0);
    await world.close(clients[0]!);
    assert.equal((await world.login()).logins[0]?.session, 1);
  });
}

test('steal: the newcomer takes slot 1 and the former client gets nothing more', async () => {
  await using world = await startWorld({ slots: 1, whenFull: 'steal' });
  const first = await world.watch();
  await world.clock.advance(500);
  const second = await world.watch();
  assert.equal(second.logins[0]?.session, 1);
  const count = first.arrivals.length;
  await world.clock.advance(500);
  assert.ok(second.pictures.length > 3);
  assert.equal(first.arrivals.length, count);
});

test('login response and live parameters can each be left out; the stream works without', async () => {
  await using silent = await startWorld({ loginResponse: false });
  const client = await silent.watch();
  await silent.clock.advance(500);
  assert.equal(client.logins.length, 0);
  assert.ok(client.pictures.length > 3, 'session 1, as older clients assume');
  await using bare = await startWorld({ liveParamsOnLogin: false });
  assert.deepEqual(
    (await bare.login()).arrivals.map(({ packet }) => packet?.kind),
    ['loginResponse'],
  );
});

test('a test can put a behavior in front, and take it away again', async () => {
  await using world = await startWorld();
  const { camera } = world.simulator;
  camera.behaviors.unshift({ name: 'busy', answer: ({ packet }) => packet.kind === 'loginRequest' });
  assert.equal((await world.login()).arrivals.length, 0);
  assert.equal((await world.simulator.expect(({ answeredBy }) => answeredBy === 'busy')).packet?.kind, 'loginRequest');
  camera.behaviors.shift();
  assert.equal((await world.login()).logins[0]?.result, 0);
});

test('an unusable address is refused, a taken port is a conflict and leaves nothing open', async () => {
  await using world = await startWorld({ port: 10104 });
  const net = world.net.host(CAMERA);
  const again = IwfcamSimulator.start({ net, clock: world.clock, host: CAMERA, port: 10104, mediaPort: 4000 });
  await assert.rejects(again, (error) => isNvrError(error, 'conflict'));
  await (await net.openUdp({ port: 4000 })).close();
  const everywhere = IwfcamSimulator.start({ net, clock: world.clock, host: '0.0.0.0' });
  await assert.rejects(everywhere, (error) => isNvrError(error, 'bad_input'));
});
