// A camera that comes back with another codec, twice: H.264, then H.265 of another size, then JPEG. What becomes of those who
// watch it: the live socket, HLS and mjpeg go on; live.mp4 and RTSP, which hold one format, end and can be asked again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Camera } from '../cameras/camera.ts';
import { systemClock, type Timer } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import { jpegSize } from '../media/jpeg.ts';
import { MultipartReader } from '../media/multipart.ts';
import { skip } from './coded-world.ts';
import { LiveClient } from './live/live-client.ts';
import { codedClip } from './paced-recording.ts';
import { pictures } from './recording-fixture.ts';
import { RtspClient } from './rtsp-client.ts';
import { startRtsp } from './rtsp-world.ts';

const PICTURE_MS = 40;
const BYE = 203;
/** By then something is wrong. */
const PATIENCE_MS = 20_000;

type Shown = Pick<VideoFrame, 'codec' | 'key' | 'data' | 'width' | 'height'> & { readonly codecConfig?: Uint8Array };

/** Pictures in a loop, as a camera sends them. */
class Source implements Disposable {
  readonly #camera: Camera;
  #clip: readonly Shown[] = [];
  #count = 0;
  #timer: Timer | null = null;

  constructor(camera: Camera) {
    this.#camera = camera;
  }

  show(clip: readonly Shown[]): void {
    this.#clip = clip;
    this.#count = 0;
    this.#timer ??= systemClock.after(0, () => this.#next());
  }

  #next(): void {
    const picture = this.#clip[this.#count++ % this.#clip.length]!;
    const now = { at: systemClock.wallMs(), monoMs: systemClock.monoMs() };
    this.#camera.hub.publish({ kind: 'video', mediaMs: null, ...picture, ...now });
    this.#timer = systemClock.after(PICTURE_MS, () => this.#next());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }
}

async function coded(codec: 'h264' | 'h265', width: number, height: number): Promise<Shown[]> {
  const encoder = codec === 'h264' ? 'libx264' : 'libx265';
  const clip = await codedClip({ encoder, size: `${width}x${height}`, seconds: 2 });
  return clip.pictures.map(({ key, data }) => ({ codec, key, data, width, height, codecConfig: clip.codecConfig }));
}

test('another codec and size, twice: who watches goes on, or is told and asks again', {
  skip,
  timeout: 60_000,
}, async () => {
  const [h264, h265] = await Promise.all([coded('h264', 160, 120), coded('h265', 320, 240)]);
  const jpegs = [0, 1, 2, 3].map((n): Shown => {
    const { data } = pictures.picture(n);
    return { codec: 'mjpeg', key: true, data, ...(jpegSize(data) ?? { width: 0, height: 0 }) };
  });
  const jpegWidth = jpegs[0]!.width;
  await using world = await startRtsp();
  const root = await world.web.listen();
  using source = new Source(world.camera('door'));
  const authorization = world.web.bearer('stream');
  const headers = { Authorization: authorization };
  const ended = new AbortController();
  using _end = { [Symbol.dispose]: () => ended.abort() };
  const get = (path: string) => fetch(`${root}/cameras/door/${path}`, { headers, signal: ended.signal });
  source.show(h264);

  /** What has come so far, and a way to wait for more of it. */
  let wake = () => {};
  const until = async (what: string, isSo: () => boolean) => {
    const end = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      assert.ok(performance.now() < end, what);
      const woken = new Promise<void>((resolve) => (wake = resolve));
      await Promise.race([woken, systemClock.sleep(PICTURE_MS)]);
    }
  };

  // multipart: one answer for all three.
  const widths: number[] = [];
  const reader = new MultipartReader({
    picture: (jpeg) => {
      const width = jpegSize(jpeg)?.width ?? 0;
      if (widths.at(-1) !== width) widths.push(width);
      wake();
    },
    damaged: () => assert.fail('a damaged part'),
  });
  const mjpeg = await get('mjpeg');
  const read = (async () => {
    for await (const bytes of mjpeg.body!) reader.push(bytes);
    assert.fail('mjpeg ended');
  })().catch((error) => assert.equal(error.name, 'AbortError'));

  // The live socket: one subscription for all three.
  using socket = await LiveClient.open(Number(new URL(root).port), headers);
  socket.send({ type: 'subscribe', id: 1, camera: 'door', kind: 'mp4', sound: false });
  const nextFormat = async (codec: RegExp, width: number) => {
    for (const end = performance.now() + PATIENCE_MS; ; ) {
      assert.ok(performance.now() < end, `the live socket is ${width} wide`);
      const message = await socket.picture(1);
      socket.send({ type: 'ack', id: 1, seq: message.seq });
      if (message.kind !== 2 || message.width !== width) continue;
      const format = await socket.text('format', (text) => text.width === width);
      assert.match(String(format.mime), codec);
      const first = await socket.picture(1);
      socket.send({ type: 'ack', id: 1, seq: first.seq });
      assert.deepEqual([first.kind, first.flags & 4, first.width], [3, 4, width], 'begins with a key picture');
      return;
    }
  };

  const rtsp = async () => {
    const client = await RtspClient.open(world.port);
    const sdp = await client.play(world.url('door'), headers);
    await client.until(() => client.rtp().length > 5);
    return { client, codec: /a=rtpmap:\d+ (\w+)/.exec(sdp)?.[1] };
  };
  const mp4 = async () => {
    const reply = await get('live.mp4');
    const body = reply.body!.getReader();
    let bytes = Buffer.alloc(0);
    while (!bytes.includes('mdat')) bytes = Buffer.concat([bytes, (await body.read()).value!]);
    return {
      codec: /avc1|hvc1/.exec(bytes.toString('latin1', bytes.indexOf('stsd')))?.[0],
      end: async () => {
        while (!(await body.read()).done);
      },
    };
  };
  /** The heads that the playlist names; each can be fetched. */
  const maps = async () => {
    const reply = await get('hls/index.m3u8');
    assert.equal(reply.status, 200);
    const found = [...(await reply.text()).matchAll(/EXT-X-MAP:URI="([^"]+)"/g)].map(([, uri]) => uri!);
    const heads = await Promise.all(found.map(async (uri) => (await get(`hls/${uri}`)).text()));
    return heads.map((head) => /avc1|hvc1/.exec(head.slice(head.indexOf('stsd')))?.[0]).join(' ');
  };
  const hls = async (wanted: string) => {
    const end = performance.now() + PATIENCE_MS;
    for (let found = await maps(); !found.endsWith(wanted); found = await maps()) {
      assert.ok(performance.now() < end, `HLS has ${found} instead of ${wanted}`);
      await systemClock.sleep(PICTURE_MS);
    }
  };

  const stages = [
    { clip: h264, codec: /avc1/, name: 'avc1', rtp: 'H264', width: 160, heads: 'avc1' },
    { clip: h265, codec: /hvc1/, name: 'hvc1', rtp: 'H265', width: 320, heads: 'avc1 hvc1' },
    { clip: jpegs, codec: /avc1/, name: 'avc1', rtp: 'H264', width: jpegWidth, heads: 'avc1 hvc1 avc1' },
  ];
  let before: { rtsp: Awaited<ReturnType<typeof rtsp>>; mp4: Awaited<ReturnType<typeof mp4>> } | null = null;
  for (const { clip, codec, name, rtp, width, heads } of stages) {
    source.show(clip);
    await nextFormat(codec, width);
    await until(`mjpeg shows pictures ${width} wide`, () => widths.at(-1) === width);
    await before?.rtsp.client.closed;
    await before?.mp4.end();
    if (before) assert.equal(before.rtsp.client.rtcp().at(-1)?.[1], BYE, 'a goodbye before the end');
    before = { rtsp: await rtsp(), mp4: await mp4() };
    assert.deepEqual([before.rtsp.codec, before.mp4.codec], [rtp, name]);
    await hls(heads);
  }
  before?.rtsp.client[Symbol.dispose]();
  ended.abort();
  await read;
});
