import assert from 'node:assert/strict';
import test from 'node:test';
import { pictureNumber } from '../counted-pictures.ts';
import { Spoofer } from './spoofer.ts';
import { CAMERA, startWorld } from './test-world.ts';

test('forged packets reach the client, look right, and come from somewhere else', async () => {
  await using world = await startWorld();
  const client = await world.login();
  const before = client.arrivals.length;
  await using stranger = await Spoofer.open(world.net.host('10.0.0.66'), '10.0.0.66');
  await using otherPort = await Spoofer.open(world.net.host(CAMERA), CAMERA);
  stranger.picture(world.pictures.picture(7), { session: 1, frameIndex: 3 }, client.local);
  otherPort.sound({ session: 1, frameIndex: 4 }, client.local);
  stranger.goodbye(1, client.local);
  stranger.loginResponse(3, 0, client.local);
  await world.travel();
  assert.deepEqual(
    client.pictures.map(({ data }) => pictureNumber(data)),
    [7],
  );
  assert.equal(client.audioBlocks.length, 1);
  assert.equal(client.logins.at(-1)?.result, 3);
  const kinds = client.arrivals.slice(before).map(({ packet }) => packet?.kind);
  assert.ok(kinds.includes('command') && kinds.includes('deviceClosing'));
  const sources = new Set(client.arrivals.slice(before).map(({ from }) => `${from.address}:${from.port}`));
  assert.ok(!sources.has(`${CAMERA}:${world.simulator.mediaPort}`));
});
