// An encoded camera goes away: its readers stay, see the card, and see the camera again. Without readers nothing runs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import sharp from 'sharp';
import { ManualClock } from '../core/manual-clock.ts';
import { childrenOf } from '../test/coded-world.ts';
import { basic, RtspClient } from '../test/rtsp-client.ts';
import { startRtsp } from '../test/rtsp-world.ts';
import { PERIOD_MS } from './card-source.ts';
import { CARD_AFTER_MS } from './limits.ts';

const ADMIN = basic('admin', 'correct horse battery');
const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';

/** With the standard Huffman tables, as cameras make them. */
const plainJpeg = () =>
  sharp({ create: { width: 320, height: 240, channels: 3, background: '#3366aa' } })
    .jpeg({ optimiseCoding: false })
    .toBuffer();

for (const path of ['door', 'door/jpeg']) {
  test(`${path}: the card before a player gives up, then the camera's own pictures again, in one session`, {
    skip: path === 'door' ? skip : false,
    timeout: 60_000,
  }, async () => {
    const clock = new ManualClock();
    await using world = await startRtsp(['door'], clock);
    const camera = world.camera('door');
    const data = await plainJpeg();
    const size = { width: 320, height: 240 };
    const show = async (count: number, everyMs = 100) => {
      for (let n = 0; n < count; n++) {
        const time = { at: clock.wallMs(), monoMs: clock.monoMs(), mediaMs: null };
        camera.hub.publish({ kind: 'video', codec: 'mjpeg', key: true, data, ...size, ...time });
        await clock.advance(everyMs);
      }
    };
    await show(3);
    using client = await RtspClient.open(world.port);
    const playing = client.play(world.url(path), ADMIN);
    let isPlaying = false;
    void playing.then(() => {
      isPlaying = true;
    });
    const whole = () => client.rtp().filter(({ marker }) => marker).length;
    const until = async (isSo: () => boolean, step: () => Promise<unknown>) => {
      while (!isSo()) {
        await step();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    // The encoder is a process: it lives in real time.
    await until(
      () => isPlaying,
      () => show(1, 5),
    );
    await until(
      () => whole() >= 5,
      () => show(1),
    );
    assert.equal(world.server.cardStreams, 0);
    const isCard = () => world.server.cardStreams === 1;
    const lastMs = camera.hub.newestVideo!.frame.monoMs;
    await until(isCard, () => clock.advance(500));
    const afterMs = clock.monoMs() - lastMs;
    // VLC waits for 10.2 s.
    assert.ok(afterMs >= CARD_AFTER_MS && afterMs < CARD_AFTER_MS + 2000, `the card after ${afterMs} ms`);
    const before = whole();
    await until(
      () => whole() >= before + 5,
      () => clock.advance(500),
    );
    assert.equal(isCard(), true);
    if (path === 'door/jpeg') {
      const shown = whole();
      await until(
        () => whole() >= shown + 8,
        () => clock.advance(PERIOD_MS),
      );
      const times = client.rtp().flatMap(({ marker, timestamp }) => (marker ? [timestamp / 90] : []));
      const gaps = times.slice(-8).map((ms, n) => ms - times.at(-9 + n)!);
      const usual = gaps.toSorted((a, b) => a - b)[4]!;
      // VLC is four pictures behind, and waits for a second.
      assert.ok(usual <= 1000 / 5, `cards come every ${usual} ms`);
    }
    const first = client.rtp().at(-1)!;
    await until(
      () => world.server.cardStreams === 0,
      () => show(1),
    );
    const after = whole();
    await until(
      () => whole() >= after + 5,
      () => show(1),
    );
    assert.deepEqual([world.server.readers, client.rtp().at(-1)!.ssrc], [1, first.ssrc]);
    const numbers = client.rtp().map(({ sequence }) => sequence);
    for (const [n, sequence] of numbers.entries()) assert.equal(sequence, (numbers[0]! + n) & 0xffff);
    client[Symbol.dispose]();
    await until(
      () => world.server.connections === 0,
      async () => {},
    );
    assert.equal(camera.status().viewers, 0);
    await clock.advance(11_000);
    await until(
      () => childrenOf('ffmpeg').length === 0 && camera.hub.readers === 0,
      async () => {},
    );
  });
}

test('a camera that has a picture every eight seconds is not lost in between', { timeout: 30_000 }, async () => {
  const clock = new ManualClock();
  await using world = await startRtsp(['door'], clock);
  const { hub } = world.camera('door');
  const data = await plainJpeg();
  let isOver = false;
  const show = async () => {
    const time = { at: clock.wallMs(), monoMs: clock.monoMs(), mediaMs: null };
    hub.publish({ kind: 'video', codec: 'mjpeg', key: true, data, width: 320, height: 240, ...time });
    for (let n = 0; n < 8; n++) {
      await clock.advance(1000);
      if (isOver) assert.equal(world.server.cardStreams, 0, `${n + 1} s after a picture`);
    }
  };
  await show();
  using client = await RtspClient.open(world.port);
  await client.play(world.url('door/jpeg'), ADMIN);
  for (let n = 0; n < 2; n++) await show();
  isOver = true;
  for (let n = 0; n < 3; n++) await show();
});
