// The life of one session on a clock that stands still: who is answered, where packets go, and when a silent client is gone.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mock, test } from 'node:test';
import { FrameHub } from '../cameras/frame-hub.ts';
import type { VideoFrame } from '../core/frame.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { encodeAvcC } from '../media/h264.ts';
import { parseBindingRequest } from '../media/stun.ts';
import type { Endpoint } from '../net/net.ts';
import type { MediaSource } from '../rtsp-out/media-source.ts';
import { Outlet } from '../rtsp-out/outlet.ts';
import { planVideo } from '../rtsp-out/track-plan.ts';
import { CONNECT_MS, CONSENT_MS, MAX_PATHS, TICK_MS } from './limits.ts';
import { loadSecurity, SecurePath } from './secure-path.ts';
import { Session } from './session.ts';

const PASSWORD = 'perch-password-of-22-bytes';

/** A client's check of a path, as ICE sends it (RFC 8445 section 7.2.2). */
function check(password = PASSWORD, nominates = false) {
  const attribute = (type: number, value: Uint8Array) => {
    const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
    bytes.writeUInt16BE(type, 0);
    bytes.writeUInt16BE(value.length, 2);
    bytes.set(value, 4);
    return bytes;
  };
  const head = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex');
  const attributes = [
    attribute(0x0006, Buffer.from('perch:them')),
    ...(nominates ? [attribute(0x0025, Buffer.alloc(0))] : []),
  ];
  const message = Buffer.concat([head, ...attributes]);
  message.writeUInt16BE(message.length - head.length + 24, 2);
  const integrity = attribute(0x0008, createHmac('sha1', password).update(message).digest());
  return parseBindingRequest(Buffer.concat([message, integrity]))!;
}

const from = (port: number): Endpoint => ({ address: '127.0.0.9', port });

async function open() {
  const clock = new ManualClock();
  const hub = new FrameHub();
  const frame: VideoFrame = {
    ...{ kind: 'video', codec: 'h264', width: 320, height: 240, key: true, at: 0, monoMs: 0, mediaMs: 0 },
    data: Uint8Array.of(0, 0, 0, 3, 0x65, 1, 2),
    codecConfig: encodeAvcC([Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 1)], [Uint8Array.of(0x68, 0xce, 0x0f)]),
  };
  let isFreed = false;
  const video = new Outlet(planVideo(frame)!, [0, 0]);
  const source: MediaSource = {
    ...{ stream: 'main', pictures: hub, sounds: hub, plans: [video.plan], view: null as never, card: () => null },
    [Symbol.dispose]() {
      isFreed = true;
    },
  };
  const sent: { readonly bytes: Uint8Array; readonly port: number }[] = [];
  const ends: string[] = [];
  const paths: string[] = [];
  const session = new Session({
    ...{ id: '1', cameraId: 'c', place: 'p', iceName: 'perch', icePassword: PASSWORD, remoteName: 'them' },
    ...{ fingerprints: [], security: await loadSecurity(), source, video, audio: null, cname: 'c', clock },
    send: (bytes, { port }) => void sent.push({ bytes, port }),
    onPath: (path) => void paths.push(path),
    onClosed: (why) => void ends.push(why),
  });
  const pass = async (ms: number) => {
    for (let gone = 0; gone < ms; gone += TICK_MS) {
      await clock.advance(TICK_MS);
      session.tick(clock.monoMs());
    }
  };
  return { session, clock, sent, ends, paths, pass, isFreed: () => isFreed, readers: () => hub.readers };
}

test('a client that never comes, and one that has gone without a goodbye, are left', async () => {
  const never = await open();
  await never.pass(CONNECT_MS);
  assert.deepEqual(never.ends, []);
  await never.pass(TICK_MS);
  assert.deepEqual([never.ends, never.isFreed()], [['no connection came about'], true]);

  const gone = await open();
  mock.getter(SecurePath.prototype, 'isReady', () => true);
  try {
    for (let n = 0; n < 4; n++) {
      gone.session.check(check(), from(7));
      await gone.pass(CONSENT_MS - TICK_MS);
    }
    const report = Uint8Array.from([0x80, 201, 0, 1, 0, 0, 0, 7]);
    let isSealed = true;
    mock.method(SecurePath.prototype, 'openRtcp', (bytes: Uint8Array) => (isSealed ? bytes : null));
    for (let n = 0; n < 4; n++) {
      gone.session.receive(report);
      await gone.pass(CONSENT_MS - TICK_MS);
    }
    assert.deepEqual(gone.ends, [], 'it goes on checking its path, or reporting');
    isSealed = false;
    gone.session.receive(report);
    gone.session.check(check('another-password-of-22-bytes'), from(7));
    await gone.pass(2 * TICK_MS);
    assert.deepEqual(
      [gone.ends, gone.isFreed(), gone.readers(), gone.clock.timers],
      [['the client is gone'], true, 0, 0],
    );
    const { length } = gone.sent;
    gone.session.check(check(), from(7));
    gone.session.close('again');
    assert.deepEqual([gone.sent.length, gone.ends.length], [length, 1], 'it is over');
  } finally {
    mock.restoreAll();
  }
});

test('checks are answered when they know the password, on a few paths', async () => {
  const { session, sent, paths } = await open();
  session.check(check('another-password-of-22-bytes'), from(1));
  assert.deepEqual([sent, paths], [[], []]);
  for (let port = 1; port <= MAX_PATHS + 2; port++) session.check(check(), from(port));
  const first = Array.from({ length: MAX_PATHS }, (_, n) => n + 1);
  assert.deepEqual([sent.map(({ port }) => port), paths.length], [first, MAX_PATHS]);
});

test('packets go where the client wants them: the path that it chose, before that the first that worked', async () => {
  mock.method(SecurePath.prototype, 'sealRtcp', (packet: Uint8Array) => Buffer.from(packet));
  try {
    const table: [checks: [port: number, nominates: boolean][], peer: number[]][] = [
      [[], []],
      [
        [
          [1, false],
          [2, false],
        ],
        [1],
      ],
      [
        [
          [1, false],
          [2, true],
          [3, false],
        ],
        [2],
      ],
      [
        [
          [1, true],
          [2, true],
        ],
        [2],
      ],
    ];
    for (const [checks, peer] of table) {
      const { session, sent } = await open();
      for (const [port, nominates] of checks) session.check(check(PASSWORD, nominates), from(port));
      sent.length = 0;
      session.close('done');
      assert.deepEqual(
        sent.map(({ port }) => port),
        peer,
      );
    }
  } finally {
    mock.restoreAll();
  }
});
