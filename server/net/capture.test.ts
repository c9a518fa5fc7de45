import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { noTshark, tshark } from '../test/tshark.ts';
import { Capture, type CapturedPacket, CaptureTap, tappedNet } from './capture.ts';
import { encodeCaptureFile, redactCapture } from './capture-file.ts';
import { MemoryNet } from './memory-net.ts';
import { Redactor } from './redactor.ts';

const OURS = '10.0.0.2';
const CAMERA = '10.0.0.7';
const PASSWORD = 'correct horse';

function setUp(limitBytes = 1024 * 1024) {
  const clock = new ManualClock();
  const world = new MemoryNet({ clock });
  const tap = new CaptureTap(clock);
  const net = tappedNet(world.host(OURS), tap);
  return { clock, world, tap, net, capture: new Capture(limitBytes), camera: world.host(CAMERA) };
}

async function fileOf(packets: readonly CapturedPacket[], net: ReturnType<typeof tappedNet>): Promise<Buffer> {
  const breathe = async () => {};
  await redactCapture(packets, { redactor: new Redactor([PASSWORD]), breathe });
  const chunks: Buffer[] = [];
  for await (const chunk of encodeCaptureFile(packets, { net, comment: 'a test', breathe })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A dialogue over UDP and TCP, with a password over the border of two segments. */
async function talk({ clock, net, camera, tap, capture }: ReturnType<typeof setUp>): Promise<void> {
  await camera.streams.listen({ address: CAMERA, port: 554 }, (stream) => {
    stream.onBytes(() => stream.write('RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n'));
  });
  const stop = tap.attach(capture);
  const connecting = net.streams.connect({ address: CAMERA, port: 554 });
  await clock.advance(10);
  const stream = await connecting;
  stream.onBytes(() => {});
  stream.write('OPTIONS rtsp://10.0.0.7/ RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Digest respo');
  await clock.advance(10);
  stream.write(`nse="00ff"\r\nX-Note: correct ho`);
  await clock.advance(10);
  stream.write(`rse\r\n\r\n`);
  await clock.advance(10);
  const theirs = await camera.openUdp({ port: 7000 });
  theirs.onDatagram((_bytes, from) => theirs.send(Buffer.from('pong'), from));
  const socket = await net.openUdp();
  socket.onDatagram(() => {});
  socket.send(Buffer.from(`login ${PASSWORD}`), { address: CAMERA, port: 7000 });
  await clock.advance(10);
  await stream.close();
  await socket.close();
  stop();
}

test('tshark reads what was said, in order and with right checksums; passwords are gone', {
  skip: noTshark,
}, async () => {
  const world = setUp();
  await talk(world);
  assert.equal(world.tap.openSockets, 0);
  const file = await fileOf(world.capture.packets, world.net);
  for (const text of ['00ff', 'correct ho', 'rse\r', PASSWORD]) assert.ok(!file.includes(text), text);

  const all = await tshark(file, ['ip.src', 'ip.dst', '_ws.col.Protocol', 'tcp.flags.str', 'udp.dstport']);
  assert.equal(all.length, 3 + 3 + 3 + 2 + 3, 'handshake, requests, answers, datagrams, goodbye');
  assert.deepEqual(all[0]?.slice(0, 2), [OURS, CAMERA]);
  assert.equal(all.filter(([, , protocol]) => protocol === 'RTSP').length > 0, true);
  assert.equal(all.filter(([, , , , port]) => port === '7000').length, 1);
  const broken =
    'ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0 or tcp.analysis.flags';
  assert.deepEqual(await tshark(file, ['frame.number', '_ws.col.Info'], broken), []);
  const [[requests = ''] = []] = await tshark(file, ['rtsp.request'], 'rtsp.request');
  assert.match(requests, /^OPTIONS rtsp:\/\/10\.0\.0\.7\/ RTSP\/1\.0/);
});

test('nothing is kept while nobody listens, and nothing of what is inside TLS', async () => {
  const { clock, net, tap, capture, camera } = setUp();
  const listener = await camera.streams.listen({ address: CAMERA, port: 443 }, () => {});
  const dial = async () => {
    const connecting = net.streams.connect({ address: CAMERA, port: 443, tls: { serverName: 'x' } });
    await clock.advance(10);
    const stream = await connecting;
    stream.write('the contents');
    await stream.close();
  };
  await dial();
  assert.equal(capture.packets.length, 0);
  const stop = tap.attach(capture);
  await dial();
  stop();
  await dial();
  assert.deepEqual(
    capture.packets.map(({ kind, bytes }) => [kind, bytes.length]),
    [
      ['opened', 0],
      ['closed', 0],
    ],
  );
  await listener.close();
});

test('a capture that is full takes no more, and says so', async () => {
  const { clock, net, tap, capture, camera } = setUp(10_000);
  tap.attach(capture);
  let isFull = false;
  void capture.full.then(() => {
    isFull = true;
  });
  const socket = await net.openUdp();
  for (let n = 0; n < 1000; n++) socket.send(Buffer.alloc(100, n), { address: CAMERA, port: 9 });
  await clock.advance(1);
  const held = capture.packets.reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.ok(isFull && capture.isCutShort);
  assert.ok(held > 4000 && held <= 10_000, String(held));
  await camera.openUdp();
  // Many packets without any bytes fill it too.
  const empty = new Capture(10_000);
  tap.attach(empty);
  for (let n = 0; n < 1000; n++) socket.send(Buffer.alloc(0), { address: CAMERA, port: 9 });
  assert.ok(empty.packets.length < 100);
  await socket.close();
});

test('the bytes are copies: who sent or received them may change them', async () => {
  const { net, tap, capture } = setUp();
  tap.attach(capture);
  const socket = await net.openUdp();
  const bytes = Buffer.from('as it was');
  socket.send(bytes, { address: CAMERA, port: 9 });
  bytes.fill(0);
  assert.equal(Buffer.from(capture.packets[0]!.bytes).toString(), 'as it was');
  await socket.close();
});
