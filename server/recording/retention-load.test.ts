// Ten thousand old recordings go without anybody noticing.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import type { Segment } from '../store/segment-index.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { recordingBase } from '../test/recording-fixture.ts';
import { applyGlobalLimits, applyRetention, minFreeBytes } from './retention.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 4, 3);

function base(t: TestContext) {
  const made = recordingBase(t);
  const db = openDatabase(join(made.dataDir, 'perch.db'));
  t.after(() => db.close());
  return { ...made, index: new SegmentIndex(db), clock: new ManualClock(NOW) };
}

function plant(tools: ReturnType<typeof base>, folder: string, count: number, extra: Partial<Segment> = {}): void {
  tools.index.transaction(() => {
    for (let n = 0; n < count; n++) {
      const startAt = NOW - 60 * DAY + n * 60_000;
      const iso = new Date(startAt).toISOString();
      const path = `${folder}/${iso.slice(0, 10)}/${iso.slice(11, 19).replaceAll(':', '-')}Z.mkv`;
      if (n % 1440 === 0 || iso.slice(11, 19) === '00:00:00') {
        mkdirSync(join(tools.dataDir, 'recordings', folder, iso.slice(0, 10)), { recursive: true });
      }
      writeFileSync(join(tools.dataDir, 'recordings', path), 'x');
      tools.index.add({
        ...{ id: `seg_${folder}${n}`, camera: folder, folder, path, startAt, endAt: startAt + 60_000, frames: 1 },
        ...{ bytes: 1000, format: 'mjpeg', codec: 'mjpeg', endReason: 'boundary', hasMotion: false, protected: false },
        ...extra,
      });
    }
  });
}

test('10,000 segments are deleted without holding the event loop', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 10_000);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  await new Promise<void>((resolve) => setImmediate(resolve));
  delay.enable();
  const deleted = await applyRetention('yard', { days: 30 }, tools, silentLogger, new AbortController().signal);
  delay.disable();
  assert.equal(deleted, 10_000);
  assert.equal([...tools.index.rows()].length, 0);
  assert.equal(existsSync(join(tools.dataDir, 'recordings/yard/2026-03-04')), false);
  // The promise is 50 ms; a machine that runs other tests at the same time adds its own pauses.
  t.diagnostic(
    `event loop held at most ${(delay.max / 1e6).toFixed(1)} ms, 99.9 %: ${(delay.percentile(99.9) / 1e6).toFixed(1)} ms`,
  );
  assert.ok(delay.percentile(99) / 1e6 < 50, `${delay.percentile(99) / 1e6} ms`);
});

test('the limit over all cameras takes the oldest of all; protected ones stay', async (t) => {
  const tools = base(t);
  plant(tools, 'yard', 30);
  plant(tools, 'door', 30);
  tools.index.setProtected('seg_yard0', true);
  const limits = { maxBytes: 40_000, minFreeBytes: 0 };
  const { signal } = new AbortController();
  assert.equal(await applyGlobalLimits(limits, tools, silentLogger, signal), 20);
  assert.deepEqual(
    tools.index.totals().map(({ folder, segments }) => [folder, segments]),
    [
      ['door', 19],
      ['yard', 21],
    ],
  );
  assert.equal(tools.index.get('seg_yard0')?.protected, true);
  assert.equal(await applyGlobalLimits({ maxBytes: 0, minFreeBytes: 0 }, tools, silentLogger, signal), 39);
});

test('free space that is kept: 5 %, at most 2 GB, and never so little that recording cannot go on', () => {
  assert.equal(minFreeBytes(null, 1e12), 2e9);
  assert.equal(minFreeBytes(null, 20e9), 1e9);
  assert.equal(minFreeBytes(5e9, 1e12), 5e9);
  assert.ok(minFreeBytes(0, 100e6) > 4e6);
});
