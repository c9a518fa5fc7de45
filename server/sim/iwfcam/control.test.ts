// Commands, timeouts and the device's own moods: rows 7 to 12, 16, 18, 19 and 21 of section 17.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  encodeAcknowledge,
  encodeAnswer,
  encodeCommand,
  encodeHeartbeat,
  encodeLive,
  encodeSetFps,
  encodeTimeSync,
  NOT_SUPPORTED,
  parseLiveParams,
  WHOLE_FRAME,
  withAcknowledge,
} from '../../drivers/iwfcam/wire.ts';
import type { BareClient } from './bare-client.ts';
import { startWorld } from './test-world.ts';

const closes = (client: BareClient) => client.commands.filter(({ type }) => type === 3).length;

test('a live request is answered with the active mask and the parameters; sub 0 clears bits', async () => {
  await using world = await startWorld();
  const client = await world.watch(3);
  client.send(encodeLive(1, 2, 'clear'), world.media);
  await world.travel();
  await world.live(client, 0);
  assert.deepEqual(
    client.answers.map(({ sub }) => sub),
    [0, 3, 1, 0],
  );
  const params = parseLiveParams(client.answers[1]!.data);
  assert.deepEqual([params?.width, params?.height, params?.fps, params?.audioRate], [640, 480, 12, 8000]);
});

test('a camera without a microphone keeps the audio bit off', async () => {
  await using world = await startWorld({ audio: false });
  const client = await world.watch(3);
  assert.equal(client.answers.at(-1)?.sub, 1);
  await world.clock.advance(1000);
  assert.equal(client.audioBlocks.length, 0);
});

test('liveAnswer off: it streams and says nothing', async () => {
  await using world = await startWorld({ liveAnswer: false, liveParamsOnLogin: false });
  const client = await world.watch();
  await world.clock.advance(500);
  assert.equal(client.answers.length, 0);
  assert.ok(client.pictures.length > 3);
});

test('close: answer, its own close, and media stops at once', async () => {
  await using world = await startWorld();
  const client = await world.watch(3);
  await world.clock.advance(500);
  await world.close(client);
  const last = client.arrivals.slice(-2).map(({ packet }) => packet?.kind);
  assert.deepEqual(last, ['answer', 'command']);
  const count = client.arrivals.length;
  await world.clock.advance(10_000);
  assert.equal(client.arrivals.length, count);
  assert.equal(world.simulator.slots.length, 0);
  assert.equal(world.clock.timers, 0);
});

test('ignoreClose: the session lives until it times out, and the close was still heard', async () => {
  await using world = await startWorld({ ignoreClose: true });
  const client = await world.watch();
  await world.clock.advance(3000);
  await world.close(client);
  assert.equal(closes(client), 0);
  await world.clock.advance(5900);
  assert.equal(world.simulator.slots.length, 1);
  await world.clock.advance(200);
  assert.equal(world.simulator.slots.length, 0);
  assert.equal(closes(client), 1);
});

test('a slot dies after 6 s while streaming and after 45 s while idle', async () => {
  await using world = await startWorld();
  const idle = await world.login();
  const streaming = await world.watch();
  await world.clock.advance(5900);
  assert.equal(closes(streaming), 0);
  await world.clock.advance(200);
  assert.equal(closes(streaming), 1);
  await world.clock.advance(38_500);
  assert.equal(closes(idle), 0);
  await world.clock.advance(1000);
  assert.equal(closes(idle), 1);
  assert.equal(world.simulator.stats.slotsTimedOut, 2);
});

test('timeScale shortens the timeouts', async () => {
  await using world = await startWorld({ timeScale: 0.1 });
  const client = await world.watch();
  await world.clock.advance(700);
  assert.equal(closes(client), 1);
});

test('any packet of a client keeps its slot: a heartbeat, an answer, an acknowledgement, even a wrong session', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  const packets = [
    encodeHeartbeat(1, 12),
    encodeAnswer(1, 3, 1),
    encodeAcknowledge({ session: 1, fps: 0, items: [] }),
    encodeHeartbeat(2, 12),
    Buffer.from('3254454777000000', 'hex'),
  ];
  for (const packet of packets) {
    await world.clock.advance(5000);
    client.send(packet, world.media);
  }
  await world.clock.advance(5000);
  assert.equal(closes(client), 0);
  assert.equal(world.simulator.stats.wrongSession, 1);
});

test('a foreign address and an invalid packet do not keep a slot', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  const stranger = await world.client();
  await world.clock.advance(5000);
  stranger.send(encodeHeartbeat(1, 12), world.media);
  client.send(Buffer.from('32544547', 'hex'), world.media);
  await world.clock.advance(1100);
  assert.equal(closes(client), 1);
});

test('the wrong session is ignored: no answer, no change', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  const before = client.arrivals.filter(({ packet }) => packet?.kind === 'answer').length;
  await world.live(client, 0, 2);
  await world.clock.advance(500);
  assert.equal(client.answers.length, before);
  assert.ok(client.pictures.length > 3);
});

test('the device sends a heartbeat 15 s after it last sent anything', async () => {
  await using world = await startWorld();
  const client = await world.login();
  await world.clock.advance(14_900);
  assert.equal(client.commands.length, 0);
  await world.clock.advance(200);
  assert.deepEqual(
    client.commands.map(({ type, sub }) => [type, sub]),
    [[2, 0]],
  );
  assert.equal(client.commands[0]?.data.length, 8);
  await world.clock.advance(15_000);
  assert.equal(client.commands.length, 2);
});

test('unknown commands: not supported, or silence; known ones are accepted', async () => {
  await using world = await startWorld();
  const client = await world.login();
  const time = { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0, unix: 0 };
  for (const packet of [
    encodeCommand(1, 'sdCardFileList'),
    encodeCommand(1, 'irConfigRead'),
    encodeCommand(1, 'irLedOn'),
    encodeTimeSync(1, time),
    encodeHeartbeat(1, 0),
  ]) {
    client.send(packet, world.media);
  }
  await world.travel();
  const answers = client.answers.slice(1).map(({ type, sub }) => [type, sub]);
  assert.deepEqual(answers, [
    [0x0f, NOT_SUPPORTED],
    [0x13, NOT_SUPPORTED],
    [0x13, 0],
    [0x15, 0],
  ]);
  await using quiet = await startWorld({ unknownAnswer: false });
  const other = await quiet.login();
  other.send(encodeCommand(1, 'sdCardFileList'), quiet.media);
  await quiet.travel();
  assert.equal(other.answers.length, 1);
});

test('the frame rate follows type 5', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  client.send(encodeSetFps(1, 3), world.media);
  await world.travel();
  const before = world.simulator.stats.framesSent;
  await world.clock.advance(4000);
  assert.ok(Math.abs(world.simulator.stats.framesSent - before - 12) <= 1);
});

test('slow device: it ignores its share, and everything while it is busy', async () => {
  await using deaf = await startWorld({ slow: { ignore: 1 } });
  assert.equal((await deaf.login()).arrivals.length, 0);
  await using half = await startWorld({ slow: { ignore: 0.3 } });
  const client = await half.client();
  for (let n = 0; n < 200; n++) client.discover(half.discovery);
  await half.travel();
  assert.ok(Math.abs(client.arrivals.length - 140) < 25, `${client.arrivals.length} of 200`);
  await using busy = await startWorld({ slow: { busyMs: 50 } });
  const impatient = await busy.login();
  await busy.live(impatient, 1);
  assert.equal(impatient.answers.length, 1, 'within 50 ms of the login nothing is processed');
  await busy.clock.advance(50);
  await busy.live(impatient, 1);
  assert.equal(impatient.answers.length, 2);
});

test('without acknowledgements an ordinary camera streams on, the vendor code stalls and resends every 4 s', async () => {
  await using plain = await startWorld();
  const client = await plain.watch();
  await plain.clock.advance(2000);
  assert.ok(client.pictures.length >= 24);

  await using vendor = await startWorld({ acks: 'vendor', timeScale: 1 });
  const silent = await vendor.watch();
  await vendor.clock.advance(3000);
  assert.equal(silent.pictures.length, 8);
  const { fragmentsSent } = vendor.simulator.stats;
  await vendor.clock.advance(1800);
  assert.equal(vendor.simulator.stats.fragmentsResent, fragmentsSent);
  assert.ok(vendor.simulator.stats.framesSkipped > 20);
});

test('vendor code: acknowledged frames make room, appended acknowledgements too, a NAK brings the fragment again', async () => {
  await using world = await startWorld({ acks: 'vendor' });
  const client = await world.watch(1);
  const ack = (frame: number) => ({ ack: true as const, frame, packet: WHOLE_FRAME });
  for (let n = 0; n < 40; n++) {
    await world.clock.advance(85);
    const newest = client.pictures.at(-1)!.frameIndex;
    const block = { session: 1, fps: 0, items: [ack(newest)] };
    client.send(n % 2 === 0 ? encodeAcknowledge(block) : withAcknowledge(encodeHeartbeat(1, 12), block), world.media);
  }
  assert.ok(client.pictures.length >= 38, `${client.pictures.length} pictures`);
  await world.clock.advance(90);
  const last = client.pictures.at(-1)!.frameIndex;
  const items = [{ ack: false as const, mediaKind: 0, frame: last, packet: 1 }];
  client.send(encodeAcknowledge({ session: 1, fps: 0, items }), world.media);
  await world.travel();
  assert.equal(world.simulator.stats.naks, 1);
  assert.equal(world.simulator.stats.fragmentsResent, 1);
});

test('vendor code: a reported rate throttles, 0 does not', async () => {
  await using world = await startWorld({ acks: 'vendor', fps: 30 });
  const client = await world.watch();
  const cap = () => world.simulator.camera.stream(world.simulator.camera.slots.live[0]!)?.window?.fpsCap;
  client.send(encodeAcknowledge({ session: 1, fps: 0, items: [] }), world.media);
  await world.travel();
  assert.equal(cap(), 35);
  client.send(encodeAcknowledge({ session: 1, fps: 1, items: [] }), world.media);
  await world.travel();
  assert.equal(cap(), 23);
});

test('renewMediaPort: another port after the last session, and discovery says so', async () => {
  await using world = await startWorld({ renewMediaPort: true });
  const former = world.simulator.mediaPort;
  const client = await world.watch();
  await world.close(client);
  assert.notEqual(world.simulator.mediaPort, former);
  client.discover(world.discovery);
  await world.travel();
  assert.equal(client.mediaPort, world.simulator.mediaPort);
  assert.equal((await world.login()).logins[0]?.session, 1);
});

test('reboot: sessions forgotten without a word, a new port, deaf for 10 s, counters from 0', async () => {
  await using world = await startWorld({ firstFrameIndex: 500 });
  const former = world.simulator.mediaPort;
  const client = await world.watch();
  await world.clock.advance(1000);
  const count = client.arrivals.length;
  await world.simulator.reboot();
  await world.clock.advance(9900);
  client.discover(world.discovery);
  await world.travel();
  assert.equal(client.arrivals.length, count);
  await world.clock.advance(200);
  client.discover(world.discovery);
  await world.travel();
  assert.notEqual(client.mediaPort, former);
  const again = await world.watch();
  await world.clock.advance(500);
  assert.equal(again.pictures[0]?.frameIndex, 0);
  assert.ok(again.pictures[0]!.timestampMs < 11_000);
});

test('vanish: nothing in, nothing out, sessions run out; comeBack: it answers again', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  await world.clock.advance(500);
  world.simulator.vanish();
  const count = client.arrivals.length;
  client.discover(world.discovery);
  await world.clock.advance(3000);
  assert.equal(client.arrivals.length, count);
  world.simulator.comeBack();
  await world.clock.advance(500);
  assert.ok(client.arrivals.length > count, 'a short absence ends with more pictures');
  world.simulator.vanish();
  await world.clock.advance(7000);
  world.simulator.comeBack();
  assert.equal(world.simulator.slots.length, 0);
  assert.equal(closes(client), 0, 'it could not say goodbye');
  assert.equal((await world.login()).logins[0]?.session, 1);
});

test('kick: the device ends the session and says so', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  world.simulator.kick();
  await world.travel();
  assert.equal(closes(client), 1);
  assert.equal(world.simulator.slots.length, 0);
});

test('stall: commands are answered, media is not sent', async () => {
  await using world = await startWorld();
  const client = await world.watch(3);
  world.simulator.stall();
  await world.clock.advance(100);
  const count = client.pictures.length;
  await world.live(client, 3);
  await world.clock.advance(2000);
  assert.equal(client.pictures.length, count);
  assert.equal(client.answers.at(-1)?.sub, 3);
  world.simulator.stall(false);
  await world.clock.advance(500);
  assert.ok(client.pictures.length > count + 3);
});
