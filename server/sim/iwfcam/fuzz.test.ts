// The simulator faces clients under test, which may be broken: nothing that arrives may stop it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { seededRandom } from '../../core/random.ts';
import { startWorld } from './test-world.ts';

const file = new URL('../../drivers/iwfcam/captures/iwfcam-vectors.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(file, 'utf8')) as Array<{ hex: string; direction: string }>)
  .filter(({ direction }) => direction !== 'n/a')
  .map(({ hex }) => Buffer.from(hex, 'hex'));

const DATAGRAMS = 30_000;
const PER_STEP = 500;

for (const acks of ['off', 'vendor'] as const) {
  test(`random, truncated and bit-flipped datagrams leave it alive (acknowledgements ${acks})`, async () => {
    await using world = await startWorld({ acks, slots: 8, hostile: true, renewMediaPort: true, timeScale: 0.01 });
    const random = seededRandom(17);
    const pick = (below: number) => Math.floor(random() * below);
    const sources = [];
    for (let n = 0; n < 10; n++) sources.push(await world.client());
    for (let n = 0; n < DATAGRAMS; n++) {
      const vector = vectors[pick(vectors.length)]!;
      let bytes: Buffer = Buffer.from(vector);
      const kind = pick(4);
      if (kind === 0) bytes = bytes.subarray(0, pick(bytes.length + 1));
      else if (kind === 1) for (let flips = 0; flips <= pick(4); flips++) bytes[pick(bytes.length)] = pick(256);
      else if (kind === 2) bytes = Buffer.from(Array.from({ length: pick(100) }, () => pick(256)));
      // Half of the logins claim the sender's own address, so that sessions come to be.
      const source = sources[pick(sources.length)]!;
      if (random() < 0.02) source.login(world.media);
      source.send(bytes, random() < 0.8 ? world.media : world.discovery);
      if (n % PER_STEP === 0) await world.travel();
    }
    await world.clock.advance(2000);
    for (const source of sources) source.arrivals.length = 0;
    const { stats } = world.simulator;
    assert.ok(stats.loginsAccepted > 100 && stats.ignored > 1000);
    assert.equal(world.simulator.slots.length, 0, 'all sessions ran out');
    assert.ok(world.simulator.received.length <= 2000);
    world.simulator.setFps(12);
    const client = await world.watch();
    await world.clock.advance(50);
    assert.ok(client.pictures.length > 0, 'and it still streams');
  });
}
