// The byte layout is that of server/design/live-protocol.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ackMessage, parseLive, subscribeMessage } from './live-protocol.ts';

function picture(kind: number, flags: number, jpeg: readonly number[] = [0xff, 0xd8]): ArrayBuffer {
  const bytes = new Uint8Array(24 + jpeg.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, flags);
  view.setUint16(2, 517);
  view.setUint32(4, 70_000);
  view.setFloat64(8, 1_795_305_600_123.5);
  bytes.set(jpeg, 24);
  return bytes.buffer;
}

test('reads a picture', () => {
  const message = parseLive(picture(1, 4));
  assert.deepEqual(message, {
    kind: 'picture',
    id: 517,
    seq: 70_000,
    old: false,
    takenAt: 1_795_305_600_123.5,
    jpeg: new Uint8Array([0xff, 0xd8]),
  });
});

test('knows old pictures, and kinds that it does not know', () => {
  const old = parseLive(picture(1, 5));
  assert.equal(old?.kind === 'picture' && old.old, true);
  const other = parseLive(picture(9, 4));
  assert.equal(other?.kind === 'picture' && other.jpeg, null);
});

test('reads pieces of MP4 and what they are', () => {
  const message = parseLive(picture(3, 4, [1, 2]));
  assert.deepEqual(message?.kind === 'bytes' && [message.id, message.seq, ...message.bytes], [517, 70_000, 1, 2]);
  assert.deepEqual(parseLive('{"type":"format","id":3,"mime":"video/mp4","sound":false}'), {
    kind: 'format',
    id: 3,
    mime: 'video/mp4',
    sound: false,
  });
});

test('reads states and ends', () => {
  assert.deepEqual(parseLive('{"type":"state","id":3,"state":"backingOff","noSignal":true}'), {
    kind: 'state',
    id: 3,
    noSignal: true,
  });
  assert.deepEqual(parseLive('{"type":"ended","id":3,"code":"not_found","message":"gone"}'), {
    kind: 'ended',
    id: 3,
    code: 'not_found',
  });
});

test('what is not understood is nothing', () => {
  for (const bad of ['', 'null', '[]', '{"type":"state"}', '{"type":"new","id":1}', '{', new ArrayBuffer(23)]) {
    assert.equal(parseLive(bad), null);
  }
});

test('asks only for widths that the server takes', () => {
  assert.equal(JSON.parse(subscribeMessage(1, 'porch', 'sub', 5)).width, 16);
  assert.equal(JSON.parse(subscribeMessage(1, 'porch', 'sub', 1e9)).width, 4096);
  assert.equal('width' in JSON.parse(subscribeMessage(1, 'porch', 'sub', null)), false);
  assert.equal(ackMessage({ id: 2, seq: 9 }), '{"type":"ack","id":2,"seq":9}');
});
