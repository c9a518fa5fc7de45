// `npm run soak`: a day of a Dahua tunnel, and another one: what the first one filled stays filled, and nothing grows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveDahuaHours } from './dahua-day.ts';

const HOURS = 24;
const MEGABYTE = 2 ** 20;
/** Caches of bounded size, the simulator's included, and compiled code. */
const FIRST_DAY_BYTES = 6 * MEGABYTE;
const SECOND_DAY_BYTES = 3 * MEGABYTE;

test('a day of a tunnel, and another one: exact, and nothing grows', async (t) => {
  for (const most of [FIRST_DAY_BYTES, SECOND_DAY_BYTES]) {
    const { heapGrowthBytes, ...day } = await liveDahuaHours(HOURS);
    t.diagnostic(`${day.reconnects} reconnections, heap grew by ${Math.round(heapGrowthBytes / 1024)} KiB`);
    assert.ok(day.reconnects >= 40 && day.reconnects <= 60, `${day.reconnects}`);
    assert.equal(day.damaged, 0);
    assert.ok(day.mostTimers < 50, `${day.mostTimers} timers`);
    assert.ok(day.mostSockets <= 4, `${day.mostSockets} sockets`);
    assert.deepEqual([day.socketsLeft, day.realmsLeft, day.timersLeft], [0, 0, 0]);
    assert.ok(heapGrowthBytes < most, `${heapGrowthBytes} bytes`);
  }
});
