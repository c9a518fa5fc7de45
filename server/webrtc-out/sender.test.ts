// What one client is sent: the past at a pace, key pictures when it lost its own, sound in even packets. On a clock that
// stands still.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameHub } from '../cameras/frame-hub.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { encodeAvcC } from '../media/h264.ts';
import type { MediaSource } from '../rtsp-out/media-source.ts';
import { Outlet } from '../rtsp-out/outlet.ts';
import { planSound, planVideo } from '../rtsp-out/track-plan.ts';
import { G711Cutter, planG711 } from './g711-cutter.ts';
import { BURST_BYTES, KEY_AGAIN_MS, MAX_KEY_AGAIN_MS, PAST_BYTES_PER_MS } from './limits.ts';
import { Sender } from './sender.ts';

const PICTURE_MS = 40;
const codecConfig = encodeAvcC([Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 1)], [Uint8Array.of(0x68, 0xce, 0x0f)]);

/** A camera of 25 pictures a second and its one client. */
class Stage {
  readonly clock = new ManualClock();
  readonly hub = new FrameHub();
  readonly packets: { readonly time: number; readonly bytes: number; readonly atMs: number; readonly key: boolean }[] =
    [];
  readonly sender: Sender;
  readonly #pictureBytes: number;
  #count = 0;
  /** How often it was said that the pictures cannot be sent any more. */
  refusals = 0;

  /** @param past pictures that are there before the client, the first one of them a key picture */
  static async open(past: number, pictureBytes: number): Promise<Stage> {
    const stage = new Stage(pictureBytes);
    for (let n = 0; n < past; n++) await stage.picture(n === 0);
    return stage;
  }

  private constructor(pictureBytes: number) {
    this.#pictureBytes = pictureBytes;
    const { clock, hub } = this;
    const video = new Outlet(planVideo(this.#frame(true))!, [0, 0]);
    const source: MediaSource = {
      ...{ stream: 'main', pictures: hub, sounds: hub, plans: [video.plan] },
      ...{ view: null as never, card: () => null, [Symbol.dispose]() {} },
    };
    const send = (packet: Uint8Array) => {
      const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
      const key = (packet[12]! & 31) === 7; // parameter sets stand in front of key pictures
      this.packets.push({ time: view.getUint32(4), bytes: packet.length, atMs: clock.monoMs(), key });
    };
    const onFormat = () => void this.refusals++;
    this.sender = new Sender({ source, video, audio: null, clock, cname: 'x', send, control() {}, onFormat });
  }

  /** The next picture, and the time until the one behind it. */
  async picture(key = false): Promise<void> {
    this.hub.publish(this.#frame(key));
    this.#count++;
    await this.clock.advance(PICTURE_MS);
  }

  /** When key pictures were sent. */
  get keysAt(): number[] {
    return this.packets.filter(({ key }) => key).map(({ atMs }) => atMs);
  }

  /** A picture that is shown before those that have come. */
  overtaken(): void {
    this.hub.publish({ ...this.#frame(false), mediaMs: (this.#count - 2) * PICTURE_MS });
  }

  #frame(key: boolean): VideoFrame {
    const data = Buffer.alloc(this.#pictureBytes, 1);
    data.writeUInt32BE(data.length - 4, 0);
    data[4] = key ? 0x65 : 0x41;
    const monoMs = this.clock.monoMs();
    const common = { kind: 'video', codec: 'h264', width: 320, height: 240, codecConfig } as const;
    return { ...common, key, data, at: monoMs, monoMs, mediaMs: this.#count * PICTURE_MS };
  }
}

test('the past leaves at a pace, its times end about now, and the present waits for nothing behind it', async () => {
  const pictureBytes = 20_000; // 4 Mbit/s, ten seconds of it
  const stage = await Stage.open(250, pictureBytes);
  using sender = stage.sender;
  const beganMs = stage.clock.monoMs();
  sender.start();
  const sent = () => stage.packets.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(sent() <= BURST_BYTES + 2 * pictureBytes, `${sent()} bytes at once`);
  let live = 0;
  const isThere = () => new Set(stage.packets.map(({ time }) => time)).size >= 250 + live;
  for (; !isThere(); live++) {
    await stage.picture();
    const most = BURST_BYTES + (stage.clock.monoMs() - beganMs) * PAST_BYTES_PER_MS * 1.05 + 2 * pictureBytes;
    assert.ok(sent() < most, `${sent()} bytes after ${stage.clock.monoMs() - beganMs} ms`);
  }
  assert.ok(live < 70, `it came to now within ${live} pictures`);
  await stage.picture();
  const before = stage.packets.length;
  stage.hub.publish({ ...(stage.hub.newestVideo!.frame as VideoFrame), monoMs: stage.clock.monoMs() });
  assert.ok(stage.packets.length > before, 'caught up: at once');
  const times = [...new Set(stage.packets.map(({ time }) => time))];
  const steps = times.slice(1).map((time, n) => ((time - times[n]!) | 0) / 90);
  assert.ok(
    steps.every((step) => step > 0 && step <= PICTURE_MS + 1),
    `${Math.min(...steps)} to ${Math.max(...steps)} ms`,
  );
  assert.equal(times.length, 250 + live + 2, 'none is left out, none comes twice');
});

test('who lost its picture gets the newest key picture again, but not again and again, and then the camera’s own', async () => {
  const stage = await Stage.open(50, 1000);
  using sender = stage.sender;
  const startMs = stage.clock.monoMs();
  sender.start();
  sender.wantKey();
  assert.deepEqual(stage.keysAt, [startMs], 'it has just got one');
  for (let n = 0; n < 60; n++) {
    await stage.picture();
    if (stage.keysAt.length > 1) sender.wantKey();
  }
  // What is sent again lasts about 2 s: so long is the wait. It asked once, and later again and again.
  const [, second = 0, ...others] = stage.keysAt;
  assert.ok(Math.abs(second - startMs - 49 * PICTURE_MS) <= PICTURE_MS, `after ${second - startMs} ms`);
  assert.equal(others.length, 0);
  const ownMs = stage.clock.monoMs();
  await stage.picture(true);
  assert.equal(stage.keysAt.at(-1), ownMs);
  await stage.clock.advance(MAX_KEY_AGAIN_MS);
  assert.equal(stage.keysAt.length, 3, 'the wish is fulfilled by the camera’s own');
  for (let n = 0; n < 3; n++) await stage.picture();
  sender.wantKey();
  assert.equal(stage.keysAt.length, 4, 'at once, a while after');
  for (let n = 0; n < KEY_AGAIN_MS / PICTURE_MS; n++) await stage.picture();
  sender[Symbol.dispose]();
  assert.equal(stage.clock.timers, 0);
});

test('sound leaves in packets of 20 ms whatever the camera’s blocks are; a hole begins anew', () => {
  const cutter = new G711Cutter();
  const block = (samples: number): AudioFrame => ({
    ...{ kind: 'audio', codec: 'pcmu', sampleRate: 8000, channels: 1, samples, at: 0, monoMs: 0, mediaMs: null },
    data: Uint8Array.from({ length: samples }, (_, n) => n & 255),
  });
  const first = cutter.push(block(1024), 1000);
  assert.deepEqual(
    first.map(({ monoMs, frame }) => [monoMs, frame.samples, frame.data.length]),
    [0, 20, 40, 60, 80, 100].map((ms) => [1000 + ms, 160, 160]),
  );
  const next = cutter.push(block(1024), 1128);
  assert.deepEqual([next.length, next[0]!.monoMs], [6, 1120], '64 samples were left');
  assert.deepEqual([...next[0]!.frame.data.subarray(62, 66)], [1022 & 255, 1023 & 255, 0, 1], 'no seam');
  const late = cutter.push(block(240), 5000);
  assert.deepEqual(
    late.map(({ monoMs }) => monoMs),
    [5000],
  );
  assert.equal(cutter.push(block(80), 5030)[0]!.monoMs, 5020);
  assert.deepEqual(cutter.push(block(0), 5040), []);
  const pcm = { ...block(160), codec: 'pcm-s16le', data: new Uint8Array(320) } as const;
  const plan = planG711(planSound(pcm)!);
  const [only] = new G711Cutter().push(pcm, 0);
  assert.equal(only!.frame.data.length, 160);
  assert.equal(plan.packets(only!.frame)!.payloadBytes, 160);
});

test('B-frames end it; pictures that are sent again are none', async () => {
  const stage = await Stage.open(20, 1000);
  using sender = stage.sender;
  sender.start();
  await stage.clock.advance(KEY_AGAIN_MS);
  sender.wantKey();
  await stage.picture();
  assert.equal(stage.refusals, 0);
  stage.overtaken();
  assert.equal(stage.refusals, 1);
});
