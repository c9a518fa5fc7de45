// An H.264 camera through everything that wants JPEG: one transcoder for all, none for a single picture.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { jpegSize } from '../media/jpeg.ts';
import { MultipartReader } from '../media/multipart.ts';
import { childrenOf, skip, startCodedNvr } from './coded-world.ts';
import { LiveClient } from './live/live-client.ts';

test('a snapshot of an idle H.264 camera decodes one key picture and leaves no process', {
  skip,
  timeout: 60_000,
}, async (t) => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const before = childrenOf('ffmpeg');
  const began = performance.now();
  const reply = await nvr.fetch(`/cameras/${slug}/snapshot.jpg`);
  const tookMs = performance.now() - began;
  const jpeg = new Uint8Array(await reply.arrayBuffer());
  assert.equal(reply.status, 200);
  assert.deepEqual(jpegSize(jpeg), { width: 320, height: 240 });
  assert.deepEqual(childrenOf('ffmpeg'), before);
  t.diagnostic(`a snapshot took ${Math.round(tookMs)} ms`);
  const small = await nvr.fetch(`/cameras/${slug}/snapshot.jpg?width=160&n=2`);
  assert.equal(jpegSize(new Uint8Array(await small.arrayBuffer()))?.width, 160);
  const head = await nvr.fetch(`/cameras/${slug}/snapshot.jpg`, { method: 'HEAD' });
  assert.equal(head.status, 200);
});

test('three kinds of viewers of an H.264 camera share one transcoder, also after an outage and a new size', {
  skip,
  timeout: 90_000,
}, async () => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const pictures: Record<string, number> = { mjpeg: 0, frames: 0 };
  const sizes = new Set<number>();
  const end = new AbortController();
  const read = async (what: string) => {
    const reply = await nvr.fetch(`/cameras/${slug}/${what}`, { signal: end.signal });
    assert.equal(reply.status, 200);
    const reader = new MultipartReader({
      picture: (data) => {
        pictures[what]!++;
        sizes.add(jpegSize(data)?.width ?? 0);
      },
      damaged: () => assert.fail('damaged'),
    });
    for await (const bytes of reply.body!) reader.push(bytes);
  };
  const reads = [read('mjpeg'), read('frames')].map((one) =>
    one.catch((error) => assert.equal(error.name, 'AbortError')),
  );
  using socket = await LiveClient.open(nvr.port, { cookie: nvr.cookie });
  socket.send({ type: 'subscribe', id: 1, camera: slug, width: 160 });
  const first = await socket.picture(1);
  assert.equal(jpegSize(first.jpeg)?.width, 160);
  const enough = async (more: number) => {
    const want = { mjpeg: pictures.mjpeg! + more, frames: pictures.frames! + more };
    while (pictures.mjpeg! < want.mjpeg || pictures.frames! < want.frames) await nvr.frames(slug, 1);
  };
  await enough(10);
  // None for a moment while one takes the other's place.
  while (childrenOf('ffmpeg').length === 0) await nvr.frames(slug, 1);
  assert.equal(childrenOf('ffmpeg').length, 1, 'one transcoder');
  await world.change({ width: 640, height: 360 });
  await nvr.state(slug, 'live');
  while (!sizes.has(640)) await nvr.frames(slug, 1);
  await enough(5);
  assert.equal(childrenOf('ffmpeg').length, 1, 'one transcoder');
  end.abort();
  await Promise.all(reads);
});

test('ffmpeg reads /mjpeg of an H.264 camera', { skip, timeout: 60_000 }, async () => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const args = ['-v', 'error', '-headers', `Cookie: ${nvr.cookie}\r\n`, '-i', `${nvr.url}/cameras/${slug}/mjpeg`];
  const child = spawn('ffmpeg', [...args, '-frames:v', '10', '-f', 'null', '-']);
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(code, 0, said);
});
