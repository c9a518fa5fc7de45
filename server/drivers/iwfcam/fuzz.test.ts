// 200,000 random, truncated and bit-flipped datagrams through the door of a running session: nothing leaves the driver
// as an exception, memory stays flat, the stream goes on. Replayable: the seed is fixed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sessionTime } from '../../core/clock.ts';
import { silentLogger } from '../../core/logger.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { seededRandom } from '../../core/random.ts';
import type { DatagramHandler, Endpoint, Net, UdpSocket } from '../../net/net.ts';
import { noStreams } from '../../net/stream.ts';
import { limits } from './dialect.ts';
import { createIwfcamDriver } from './index.ts';
import { IwfcamSession } from './session.ts';
import { encodeAudio, encodeDiscoveryResponse, encodeLoginResponse, encodeVideo, ZERO_IDENTITY } from './wire.ts';

type Vector = { name: string; hex: string; direction: string };
const file = new URL('captures/iwfcam-vectors.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(file, 'utf8')) as Vector[]).map(
  ({ hex }) => new Uint8Array(Buffer.from(hex, 'hex')),
);

/** `PERCH_FUZZ_ROUNDS=1000000` for the long run. */
const DATAGRAMS = Number(process.env.PERCH_FUZZ_ROUNDS ?? 200_000);
const ROUNDS = 10;
const MAX_GROWTH_BYTES = 8 << 20;
const camera = '10.0.0.2';
const media: Endpoint = { address: camera, port: 32100 };
const discovery: Endpoint = { address: camera, port: 10104 };

/** Mostly the camera's two ports; also another host and another program. */
const senders: readonly Endpoint[] = [
  media,
  media,
  media,
  media,
  discovery,
  { address: '10.0.0.66', port: 32100 },
  { address: camera, port: 9 },
];

/** A net of one socket whose other side is this test. */
class StubNet implements Net {
  readonly streams = noStreams;
  deliver: DatagramHandler = () => {};
  sent = 0;
  async openUdp(): Promise<UdpSocket> {
    const net = this;
    return {
      local: { address: '0.0.0.0', port: 41773 },
      sendErrors: 0,
      onDatagram(handler) {
        net.deliver = handler;
      },
      send() {
        net.sent++;
      },
      only() {},
      async close() {
        net.deliver = () => {};
      },
      async [Symbol.asyncDispose]() {},
    };
  }
  async localAddressFor(): Promise<string> {
    return '10.0.0.9';
  }
  async resolve(host: string): Promise<string> {
    return host;
  }
  async resolveAll(host: string): Promise<string[]> {
    return [host];
  }
  broadcastAddresses(): string[] {
    return [];
  }
}

async function openSession(net: StubNet, clock: ManualClock) {
  const opening = createIwfcamDriver().open(
    { host: camera },
    {
      clock,
      net,
      log: silentLogger,
      signal: new AbortController().signal,
      time: sessionTime(clock),
      memory: { load: () => null, save() {} },
    },
  );
  await clock.advance(1);
  const address = {
    identity: ZERO_IDENTITY,
    publicAddress: '0.0.0.0',
    publicPort: 0,
    lanPort: media.port,
    lanAddress: camera,
  };
  net.deliver(encodeDiscoveryResponse([{ ...address, uid: 'FUZZ', webPort: 0 }]), discovery);
  await clock.advance(1);
  net.deliver(
    encodeLoginResponse({ ...address, result: 0, session: 1, online: 1, name: 'x', authorization: 1 }),
    media,
  );
  await clock.advance(1);
  const session = await opening;
  assert.ok(session instanceof IwfcamSession);
  return session;
}

const jpeg = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(5000, 7), Buffer.from('ffd9', 'hex')]);

/** A good picture in fragments. */
function picture(frameIndex: number): Uint8Array[] {
  const cut = 1032;
  const packetCount = Math.ceil(jpeg.length / cut);
  const head = { totalBytes: jpeg.length, packetCount, width: 640, height: 480, timestampMs: 0 };
  return Array.from({ length: packetCount }, (_, packetIndex) =>
    encodeVideo({
      session: 1,
      frameIndex,
      packetIndex,
      payload: jpeg.subarray(packetIndex * cut, (packetIndex + 1) * cut),
      ...(packetIndex === 0 && { head }),
    }),
  );
}

function collectGarbage(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The fuzzer: vectors, pictures and noise, whole, cut or with flipped bits. Never a valid end of the session. */
function fuzzer(seed: number) {
  const random = seededRandom(seed);
  const int = (below: number) => Math.floor(random() * below);
  const sources = [
    ...vectors,
    ...picture(7),
    encodeAudio({ session: 1, frameIndex: 8, timestampMs: 0, block: new Uint8Array(516) }),
  ];
  return (): Uint8Array => {
    if (random() < 0.2) return Uint8Array.from({ length: int(random() < 0.05 ? 5000 : 120) }, () => int(256));
    let bytes = Uint8Array.from(sources[int(sources.length)]!);
    const kind = random();
    if (kind < 0.4) bytes = bytes.slice(0, int(bytes.length + 1));
    else if (kind < 0.9)
      for (let n = int(8) + 1; n > 0 && bytes.length > 0; n--) bytes[int(Math.min(bytes.length, 60))]! ^= 1 << int(8);
    else if (bytes.length > 20) bytes.set([int(256), int(256)], 16);
    return bytes;
  };
}

const endsSession = (bytes: Uint8Array) => bytes[0] === 0x32 && bytes[4] === 1 && bytes[12] === 3;

test('fuzz: no exception, flat memory, the stream goes on', async () => {
  const clock = new ManualClock();
  const net = new StubNet();
  const session = await openSession(net, clock);
  let pictures = 0;
  let foreign = 0;
  let end: unknown = null;
  void (async () => {
    try {
      for await (const frame of session.frames()) {
        if (frame.kind === 'video' && jpeg.equals(frame.data)) pictures++;
        else foreign++;
      }
    } catch (error) {
      end = error;
    }
  })();

  const next = fuzzer(20_261);
  const memory: number[] = [];
  // Far from the numbers of the vectors: a forged packet takes the number of the picture that it forges.
  let frameIndex = 0x4000;
  const sendPicture = () => {
    frameIndex = (frameIndex + 1) & 0xffff;
    for (const fragment of picture(frameIndex)) net.deliver(fragment, media);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < DATAGRAMS / ROUNDS; n++) {
      const bytes = next();
      if (!endsSession(bytes)) net.deliver(bytes, senders[n % senders.length]!);
      if (n % 20 === 0) await clock.advance(10);
      if (n % 100 === 0) sendPicture();
    }
    // Forged pictures may have carried the counter away; after two seconds at most the real ones are back.
    for (let n = 0; n < 42; n++) {
      await clock.advance(50);
      sendPicture();
    }
    await clock.advance(1);
    const before = pictures;
    for (let n = 0; n < 20; n++) {
      await clock.advance(50);
      sendPicture();
    }
    await clock.advance(1);
    assert.equal(pictures - before, 20, `round ${round}: ${String(end)}`);
    assert.ok(session.heldBytes <= limits.openFrames * 2 * limits.frameBytes);
    memory.push(collectGarbage());
  }
  assert.equal(end, null, String(end));
  const growth = memory.at(-1)! - memory[2]!;
  assert.ok(growth < MAX_GROWTH_BYTES, `grew by ${growth} bytes: ${memory.join(' ')}`);
  const { details } = session.counters();
  assert.ok(Object.keys(details).length < 60);
  assert.ok(pictures > 0 && foreign > 0, 'the fuzzer forges whole pictures too');
  const closing = Promise.resolve(session[Symbol.asyncDispose]());
  await clock.advance(1000);
  await closing;
  assert.equal(clock.timers, 0);
});

test('fuzz at every stage of the handshake: no exception, everything is freed', async () => {
  const next = fuzzer(42);
  for (let run = 0; run < 40; run++) {
    const clock = new ManualClock();
    const net = new StubNet();
    const abort = new AbortController();
    const opening = createIwfcamDriver().open(
      { host: camera },
      {
        clock,
        net,
        log: silentLogger,
        signal: abort.signal,
        time: sessionTime(clock),
        memory: { load: () => ({ localPort: 41773, session: 3, mediaPort: 32100, host: camera }), save() {} },
      },
    );
    opening.catch(() => {});
    for (let n = 0; n < 300; n++) {
      net.deliver(next(), n % 2 === 0 ? media : discovery);
      if (n % 20 === 0) await clock.advance(run * 10);
    }
    abort.abort();
    await clock.advance(1000);
    await opening.then((session) => session[Symbol.asyncDispose]()).catch(() => {});
    assert.equal(clock.timers, 0);
  }
});
