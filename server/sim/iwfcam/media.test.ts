// Pictures and sound on the wire, and the network around the camera: rows 13 to 15, 17 and 22 of section 17.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { encodeCommand, isMedia, mediaKind, newMediaPacket, parseMedia } from '../../drivers/iwfcam/wire.ts';
import { CountedPictures, pictureNumber } from '../counted-pictures.ts';
import { badDiscoveryPackets, badPackets, badStreamPacket, badStreamPacketCount } from './bad-packets.ts';
import type { BareClient } from './bare-client.ts';
import { noPace, smoothPace } from './options.ts';
import { startWorld, type World } from './test-world.ts';
import { toneBlock } from './tone.ts';

function assertBitExact(world: World, client: BareClient): void {
  for (const { data } of client.pictures) {
    const number = pictureNumber(data);
    assert.ok(number !== null);
    assert.ok(data.equals(world.pictures.picture(number).data), `picture ${number}`);
  }
}

const media = (client: BareClient) =>
  client.arrivals.flatMap(({ bytes }) => {
    const packet = newMediaPacket();
    return isMedia(bytes) && parseMedia(bytes, packet) === null ? [{ ...packet, size: bytes.length }] : [];
  });

test('pictures arrive bit for bit, at their rate, in fragments of 1032 bytes', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  await world.clock.advance(10_000 - 5);
  const { pictures } = client;
  assert.ok(Math.abs(pictures.length - 72) <= 1, 'until the slot times out after 6 s');
  assertBitExact(world, client);
  assert.deepEqual(
    pictures.map(({ data }) => pictureNumber(data)),
    pictures.map((_, n) => n),
  );
  const fragments = media(client);
  assert.equal(Math.max(...fragments.map(({ size }) => size)), 1072);
  assert.ok(fragments.every(({ packetIndex, hasHead }) => hasHead === (packetIndex === 0)));
  for (const [n, picture] of pictures.entries()) {
    if (n === 0) continue;
    const stepMs = picture.timestampMs - pictures[n - 1]!.timestampMs;
    assert.ok(stepMs >= 83 && stepMs <= 84, `${stepMs} ms`);
  }
});

test('video and sound share one counter that wraps', async () => {
  await using world = await startWorld({ firstFrameIndex: 0xfff0 });
  const client = await world.watch(3);
  await world.clock.advance(3000);
  const seen = new Map<number, number>();
  for (const { frameIndex, mediaKind: kind } of media(client)) {
    assert.equal(seen.get(frameIndex) ?? kind, kind, 'an index belongs to one frame');
    seen.set(frameIndex, kind);
  }
  const indexes = [...seen.keys()];
  assert.equal(indexes[0], 0xfff0);
  for (const [n, index] of indexes.entries()) assert.equal(index, (0xfff0 + n) & 0xffff);
  const kinds = new Set(seen.values());
  assert.deepEqual(kinds, new Set([mediaKind.video, mediaKind.audio]));
  assertBitExact(world, client);
});

test('sound: a 516-byte block every 128 ms while it is wanted, the same tone in every session', async () => {
  await using world = await startWorld();
  const client = await world.watch(2);
  await world.clock.advance(1285);
  const { audioBlocks } = client;
  assert.equal(audioBlocks.length, 10);
  assert.deepEqual([...audioBlocks[3]!], [...toneBlock(3)]);
  assert.equal(client.pictures.length, 0);
});

test('two clients get the same pictures, each under its own session', async () => {
  await using world = await startWorld();
  const first = await world.watch();
  const second = await world.watch();
  await world.clock.advance(1000);
  assert.ok(second.pictures.length >= 11);
  assertBitExact(world, first);
  assertBitExact(world, second);
  assert.deepEqual(new Set(media(first).map(({ session }) => session)), new Set([1]));
  assert.deepEqual(new Set(media(second).map(({ session }) => session)), new Set([2]));
});

test('bursts of at most 30 fragments every 20 ms; smooth and unpaced on request', async () => {
  const arrivalTimes = async (pace?: typeof smoothPace) => {
    await using world = await startWorld({
      pictures: new CountedPictures({ minBytes: 60_000, maxBytes: 60_000 }),
      fps: 1,
      ...(pace && { pace }),
    });
    const client = await world.watch();
    const counts: number[] = [];
    for (let ms = 0; ms < 60; ms += 2) {
      counts.push(media(client).length);
      await world.clock.advance(2);
    }
    return counts;
  };
  const bursts = new Set(await arrivalTimes());
  assert.deepEqual(bursts, new Set([30, 59]), 'in two bursts');
  assert.ok(new Set(await arrivalTimes(smoothPace)).size > 15);
  assert.deepEqual(new Set(await arrivalTimes(noPace)), new Set([59]));
});

test('a camera that cannot send fast enough skips frames, and their numbers', async () => {
  await using world = await startWorld({
    pictures: new CountedPictures({ minBytes: 60_000, maxBytes: 60_000 }),
    fps: 40,
  });
  const client = await world.watch();
  await world.clock.advance(3000);
  assert.ok(world.simulator.stats.framesSkipped > 10);
  const steps = client.pictures.map(({ frameIndex }, n, all) => (n === 0 ? 1 : frameIndex - all[n - 1]!.frameIndex));
  assert.ok(steps.includes(2) || steps.includes(3));
});

test('other firmware: no head, other fragment sizes', async () => {
  await using world = await startWorld({ frameHead: false, fragmentBytes: 1400 });
  const client = await world.watch();
  await world.clock.advance(500);
  const fragments = media(client);
  assert.ok(fragments.length > 20);
  assert.ok(fragments.every(({ hasHead, offset }) => !hasHead && offset === 24));
  assert.equal(Math.max(...fragments.map(({ length }) => length)), 1400);
});

test('a snapshot comes as kind 3', async () => {
  await using world = await startWorld();
  const client = await world.login();
  client.send(encodeCommand(1, 'snapshot'), world.media);
  await world.travel();
  assert.deepEqual(
    client.answers.slice(1).map(({ type, sub }) => [type, sub]),
    [[0x0b, 0]],
  );
  const data = client.arrivals.filter(({ bytes }) => bytes[4] === 3 && bytes[14] === mediaKind.data);
  assert.ok(data.length >= 8);
});

test('loss costs the pictures it hits and no others; the same seed costs the same', async () => {
  const run = async (seed: number) => {
    await using world = await startWorld({ faults: { loss: 0.02 }, seed });
    const client = await world.watch();
    await world.clock.advance(4000);
    assertBitExact(world, client);
    return client.pictures.map(({ frameIndex }) => frameIndex);
  };
  const arrived = await run(4);
  assert.ok(arrived.length > 20 && arrived.length < 47, `${arrived.length} of 48`);
  assert.deepEqual(arrived, await run(4));
  assert.notDeepEqual(arrived, await run(5));
});

test('duplicates and reordering lose nothing', async () => {
  await using world = await startWorld({ faults: { duplicate: 0.05, reorder: 0.05, jitterMs: 10 } });
  const client = await world.watch();
  await world.clock.advance(4000);
  assert.ok(client.pictures.length >= 47);
  assertBitExact(world, client);
});

test('faults can begin and end while it runs', async () => {
  await using world = await startWorld();
  const client = await world.watch();
  world.simulator.setFaults({ loss: 1 });
  await world.clock.advance(1000);
  const count = client.pictures.length;
  assert.ok(count <= 1);
  world.simulator.setFaults({ loss: 0 });
  await world.clock.advance(1000);
  assert.ok(client.pictures.length >= count + 11);
});

test('hostile: every bad vector of the description is sent, aimed at the stream, and good pictures still come', async () => {
  const file = new URL('../../drivers/iwfcam/captures/iwfcam-vectors.json', import.meta.url);
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Array<{ name: string; hex: string }>;
  const bad = vectors.filter(({ name }) => name.startsWith('bad-')).map(({ name, hex }) => ({ name, hex }));
  assert.deepEqual(
    badPackets.map(({ name, hex }) => ({ name, hex })),
    bad,
  );

  await using world = await startWorld({ hostile: true });
  const client = await world.client();
  client.discover(world.discovery);
  client.login(world.media);
  await world.travel();
  await world.live(client, 1);
  await world.clock.advance(4000);
  assert.equal(client.arrivals.filter(({ packet }) => packet?.kind === 'discoveryResponse').length, 4);
  const unreadable = client.arrivals.filter(({ packet }) => packet === null).length;
  assert.ok(unreadable > badStreamPacketCount * 3, `${unreadable} bad datagrams`);
  const good = client.pictures.filter(({ data }) => pictureNumber(data) !== null);
  assert.ok(good.length >= 45);
  for (const { data } of good) assert.ok(data.equals(world.pictures.picture(pictureNumber(data)!).data));
});

test('bad packets are aimed at the session and picture under way', () => {
  let taken = 100;
  const point = { session: 7, frameIndex: 42, fragments: 9, takeFrameIndex: () => taken++ };
  const sent = Array.from({ length: badStreamPacketCount }, (_, n) => Buffer.from(badStreamPacket(n, point)));
  const names = badPackets.filter(({ aim }) => aim !== 'discovery').map(({ name }) => name);
  const named = (name: string) => sent[names.indexOf(name)]!;
  assert.equal(named('bad-wrong-session').readUInt32LE(8), 8);
  assert.equal(named('bad-truncated-payload').readUInt32LE(8), 7);
  assert.equal(named('bad-truncated-payload').readUInt16LE(16), 42);
  assert.equal(named('bad-pkt-index-beyond-count').readUInt16LE(18), 9);
  assert.ok(named('bad-not-jpeg').readUInt16LE(16) >= 100);
  const [lies, portless] = badDiscoveryPackets({ address: '10.0.0.2', port: 4242 });
  assert.equal(Buffer.from(lies!).readUInt16BE(34), 4242);
  assert.deepEqual([...lies!.subarray(36, 40)], [10, 0, 0, 2]);
  assert.equal(Buffer.from(portless!).readUInt16BE(34), 0);
});
