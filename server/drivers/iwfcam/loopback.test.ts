// The driver and the simulator on real sockets: loopback, the real clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionTime, systemClock } from '../../core/clock.ts';
import type { VideoFrame } from '../../core/frame.ts';
import { silentLogger } from '../../core/logger.ts';
import { systemNet } from '../../net/system-net.ts';
import { CountedPictures } from '../../sim/counted-pictures.ts';
import { IwfcamSimulator } from '../../sim/iwfcam/simulator.ts';
import { createIwfcamDriver } from './index.ts';

test('pictures over loopback are those that were sent; the goodbye frees the slot; the port is kept', async () => {
  const pictures = new CountedPictures({ count: 32 });
  await using simulator = await IwfcamSimulator.start({ net: systemNet, host: '127.0.0.23', pictures, fps: 60 });
  const driver = createIwfcamDriver();
  let saved: unknown = null;
  const context = {
    clock: systemClock,
    net: systemNet,
    log: silentLogger,
    signal: new AbortController().signal,
    time: sessionTime(systemClock),
    memory: {
      load: () => saved,
      save: (value: unknown) => {
        saved = value;
      },
    },
  };
  const ports = new Set<unknown>();
  for (let life = 0; life < 2; life++) {
    const session = await driver.open(simulator.settings, context);
    const seen: VideoFrame[] = [];
    for await (const frame of session.frames()) {
      if (frame.kind === 'video') seen.push(frame);
      if (seen.length === 40) break;
    }
    for (const frame of seen) {
      assert.ok(
        Array.from({ length: 32 }, (_, n) => pictures.picture(n).data).some(
          (data) => Buffer.compare(data, frame.data) === 0,
        ),
      );
    }
    ports.add((saved as { localPort: number }).localPort);
    await session[Symbol.asyncDispose]();
    assert.equal(simulator.slots.length, 0);
  }
  assert.equal(ports.size, 1);
});
