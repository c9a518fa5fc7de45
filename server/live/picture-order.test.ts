// What viewers see of a camera whose pictures come out of order (B-frames), as fragments and as JPEGs, and whether sound and
// picture of a clap are together. Judged by ffmpeg.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { CodedRun } from '../cameras/coded-run.ts';
import { FrameHub } from '../cameras/frame-hub.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { codedClip } from '../test/paced-recording.ts';
import { FragmentCursor } from './fragment-cursor.ts';
import { Fragmenter } from './fragmenter.ts';
import type { LiveCamera } from './live-camera.ts';
import { SoundViews } from './sound-view.ts';

const skip = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
const PICTURE_MS = 40;
const UNIT_MS = 64;
/** A white picture and a beep in every second. */
const CLAP_AT_MS = 520;
const CLAP_MS = 160;
const READ_RATE = 16_000;

type Clip = Awaited<ReturnType<typeof codedClip>>;
/** What comes at which moment. */
type Arrival = { readonly atMs: number; readonly frame: VideoFrame | AudioFrame };

const clips = new Map<number, Promise<Clip>>();
/** Made once. */
function clipOf(bFrames: number): Promise<Clip> {
  const known = clips.get(bFrames);
  if (known) return known;
  const isClap = `between(mod(t\\,1)\\,${(CLAP_AT_MS - 1) / 1000}\\,${(CLAP_AT_MS + CLAP_MS - 1) / 1000})`;
  const drawn = `drawbox=t=fill:c=black,drawbox=t=fill:c=white:enable=${isClap}`;
  const made = codedClip({ bFrames, drawn, tone: `aevalsrc=0.4*sin(2*PI*700*t)*${isClap}:s=16000` });
  clips.set(bFrames, made);
  return made;
}

/** A camera that encodes at once: a picture leaves when it and those that it is made of were taken. */
function arrivals(clip: Clip, heldPictures: number): Arrival[] {
  const instant = (atMs: number) => ({ at: atMs, monoMs: atMs });
  const pictures = clip.pictures.map(({ mediaMs, key, data }, n): Arrival => {
    const atMs = (n + heldPictures) * PICTURE_MS;
    const video = { kind: 'video', codec: 'h264', width: 160, height: 120, codecConfig: clip.codecConfig } as const;
    return { atMs, frame: { ...video, key, data, mediaMs, ...instant(atMs) } };
  });
  const sounds = clip.units.map((data, n): Arrival => {
    const atMs = (n + 1) * UNIT_MS;
    const sound = { kind: 'audio', codec: 'aac', sampleRate: 16_000, channels: 1, samples: 1024 } as const;
    return { atMs, frame: { ...sound, data, codecConfig: clip.aacConfig, mediaMs: n * UNIT_MS, ...instant(atMs) } };
  });
  return [...pictures, ...sounds].sort((a, b) => a.atMs - b.atMs);
}

/** The same over a network that stands still for so long: all of that time comes at its end. */
function stalled(all: readonly Arrival[], ms: number): Arrival[] {
  const fromMs = 3000;
  return all.map(({ atMs, frame }) => {
    const lateMs = atMs >= fromMs && atMs < fromMs + ms ? fromMs + ms : atMs;
    return { atMs: lateMs, frame: { ...frame, at: lateMs, monoMs: lateMs } };
  });
}

/** Plays it to a viewer who comes after so many frames. @returns the file that the viewer got, and what HLS would have */
function watch(t: TestContext, all: readonly Arrival[], before: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'perch-order-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const hub = new FrameHub(10_000);
  const camera = { id: 'cam_a', slug: 'a', hub, acquireEncoded: () => ({ hub, [Symbol.dispose]() {} }) };
  const views = new SoundViews(new ManualClock(), silentLogger);
  for (const { frame } of all.slice(0, before)) hub.publish(frame);
  using fragmenter = new Fragmenter(camera as unknown as LiveCamera, views);
  const cursor = new FragmentCursor(fragmenter);
  const pieces: Uint8Array[] = [];
  const take = () => {
    for (let batch = cursor.take(1e9); batch; batch = cursor.take(1e9)) {
      if (batch.init) pieces.push(batch.init.data);
      pieces.push(...batch.fragments.map(({ data }) => data));
    }
  };
  take();
  for (const { frame } of all.slice(before)) {
    hub.publish(frame);
    take();
  }
  views.end();
  const file = join(folder, 'live.mp4');
  writeFileSync(file, Buffer.concat(pieces));
  return file;
}

/** Times of the packets of a track as they stand in the file, milliseconds. */
function packets(file: string, track: 'v' | 'a'): { ptsMs: number; dtsMs: number }[] {
  const args = ['-v', 'error', '-select_streams', track, '-show_entries', 'packet=pts_time,dts_time', '-of', 'json'];
  const { packets: found } = JSON.parse(execFileSync('ffprobe', [...args, file]).toString()) as {
    packets: { pts_time: string; dts_time: string }[];
  };
  return found.map(({ pts_time, dts_time }) => ({ ptsMs: Number(pts_time) * 1000, dtsMs: Number(dts_time) * 1000 }));
}

/** How far the sound of each clap is behind its picture, milliseconds. */
function claps(file: string): number[] {
  const read = (...args: string[]) =>
    execFileSync('ffmpeg', ['-v', 'fatal', '-copyts', '-i', file, ...args, '-'], { maxBuffer: 1e8 });
  const lumas = read('-an', '-vf', 'scale=1:1,format=gray', '-fps_mode', 'passthrough', '-f', 'rawvideo');
  const shownMs = packets(file, 'v').map(({ ptsMs }) => ptsMs);
  shownMs.sort((a, b) => a - b);
  assert.equal(lumas.length, shownMs.length);
  const bytes = read(
    ...['-vn', '-af', 'aresample=async=1:min_hard_comp=0.005:first_pts=0', '-ar', String(READ_RATE)],
    ...['-ac', '1', '-f', 's16le'],
  );
  const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.byteLength & ~1)));
  const beeps = onsets(Array.from(samples, (value, n) => (Math.abs(value) > 3000 ? (n * 1000) / READ_RATE : -1)));
  const flashes = onsets(Array.from(lumas, (value, n) => (value > 128 ? shownMs[n]! : -1)));
  return flashes.flatMap((at) => {
    const beep = beeps.find((ms) => Math.abs(ms - at) < 450);
    return beep === undefined ? [] : [beep - at];
  });
}

const onsets = (moments: readonly number[]) => {
  const found = moments.filter((ms) => ms >= 0);
  return found.filter((ms, n) => n === 0 || ms - found[n - 1]! > 500);
};

suite('pictures out of order', { skip }, () => {
  test('as JPEGs: each once, in the order in which they are shown', async () => {
    // Each picture is a little brighter than the one before it.
    const clip = await codedClip({ bFrames: 2, seconds: 2, drawn: 'geq=lum=20+4*N:cb=128:cr=128' });
    const pictures = arrivals(clip, 2).flatMap(({ frame }) => (frame.kind === 'video' ? [frame] : []));
    const jpegs: VideoFrame[] = [];
    const run = new CodedRun(pictures[0]!, {}, (jpeg) => void jpegs.push(jpeg));
    for (const picture of pictures) await run.write(picture);
    const { error } = await run.stop(5000);
    assert.equal(error, null);
    const lumas = await Promise.all(
      jpegs.map(async ({ data }) => (await sharp(data).resize(1, 1).greyscale().raw().toBuffer())[0]!),
    );
    assert.equal(jpegs.length, pictures.length);
    for (const [n, luma] of lumas.entries()) if (n > 0) assert.ok(luma > lumas[n - 1]!, `${lumas}`);
  });

  for (const [name, before] of [
    ['a viewer who comes later', 100],
    ['the first viewer of a camera that has just come', 0],
  ] as const) {
    test(`B-frames are shown in their order: ${name}`, async (t) => {
      const clip = await clipOf(2);
      const file = watch(t, arrivals(clip, 2), before);
      const found = packets(file, 'v');
      // The first group may still be learned from.
      const settled = before === 0 ? 25 : 0;
      const source = clip.pictures.slice(-found.length).map(({ mediaMs }) => mediaMs);
      const shifts = found.slice(settled).map(({ ptsMs }, n) => ptsMs - source[n + settled]!);
      assert.ok(Math.max(...shifts) - Math.min(...shifts) < 100, `the camera's distances: ${shifts}`);
      const order = (times: readonly number[]) => times.map((_, n) => n).sort((a, b) => times[a]! - times[b]!);
      assert.deepEqual(order(found.map(({ ptsMs }) => ptsMs)).slice(settled), order(source).slice(settled));
      for (const [n, { ptsMs, dtsMs }] of found.entries()) {
        if (n > 0) assert.ok(dtsMs > found[n - 1]!.dtsMs, `decode times go on: picture ${n}`);
        if (n > settled) assert.ok(ptsMs >= dtsMs, `picture ${n} is shown ${ptsMs - dtsMs} ms after it is decoded`);
      }
      const said = spawnSync('ffmpeg', ['-v', 'warning', '-i', file, '-map', '0:v', '-c', 'copy', '-f', 'null', '-']);
      assert.equal(said.stderr.toString(), '');
    });
  }

  test('picture and copied AAC of a clap are together, within less than a unit of AAC', async (t) => {
    const found = claps(watch(t, arrivals(await clipOf(0), 0), 50));
    t.diagnostic(`the sound is behind by ${found.map((ms) => Math.round(ms))} ms`);
    assert.ok(found.length >= 8 && found.every((ms) => Math.abs(ms) < UNIT_MS / 2), `${found}`);
  });

  test('they are still together after the network stood still', async (t) => {
    for (const [stallMs, mostMs] of [
      [700, UNIT_MS / 2],
      [1500, 250],
    ] as const) {
      const found = claps(watch(t, stalled(arrivals(await clipOf(0), 0), stallMs), 50));
      t.diagnostic(`after ${stallMs} ms the sound is behind by ${found.map((ms) => Math.round(ms))} ms`);
      const after = found.slice(-4);
      assert.ok(after.length === 4 && after.every((ms) => Math.abs(ms) < mostMs), `${found}`);
    }
  });

  test('the same with B-frames', async (t) => {
    const found = claps(watch(t, arrivals(await clipOf(2), 2), 50));
    t.diagnostic(`the sound is behind by ${found.map((ms) => Math.round(ms))} ms`);
    // What a camera holds back for its B-frames is seen as lateness, until it is known that no picture comes earlier.
    const heldMs = 2 * PICTURE_MS;
    assert.ok(found.length >= 8 && found.every((ms) => ms < 10 && ms > -heldMs - 10), `${found}`);
    assert.ok(found.at(-1)! > found[0]! + heldMs / 4, `${found}`);
  });
});
