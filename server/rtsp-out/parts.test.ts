// The pure parts: addresses, transports, times.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaTime } from '../media/media-time.ts';
import { parseTarget } from './target.ts';
import { chooseChannels } from './transport.ts';

test('addresses', () => {
  const table: [string, unknown][] = [
    ['rtsp://h:8554/door', ['rtsp://h:8554', 'door', 'main', null, null]],
    ['rtsp://h:8554/door/', ['rtsp://h:8554', 'door', 'main', null, null]],
    ['rtsp://[::1]:8554/door/jpeg/trackID=1', ['rtsp://[::1]:8554', 'door', 'jpeg', 1, null]],
    ['rtsp://h/door/sub/trackID=0/', ['rtsp://h', 'door', 'sub', 0, null]],
    ['/door', ['', 'door', 'main', null, null]],
    ['rtsp://h/door?token=ab-_9', ['rtsp://h', 'door', 'main', null, { kind: 'bearer', token: 'ab-_9' }]],
    ['rtsp://h/door?a=b&token=x/trackID=1', ['rtsp://h', 'door', 'main', 1, { kind: 'bearer', token: 'x' }]],
    [
      'rtsp://j%C3%B6rg:a%2525%40@h/d%20r',
      ['rtsp://h', 'd r', 'main', null, { kind: 'basic', username: 'jörg', password: 'a%25@' }],
    ],
    ['rtsp://only-a-name@h/door', ['rtsp://h', 'door', 'main', null, null]],
    ['*', null],
    ['rtsp://h', null],
    ['rtsp://h/', null],
    ['rtsp://h/door/other', null],
    ['rtsp://h/%E0%A4%A', null],
    ['rtsp://h/door/trackID=12', null],
    ['http://h/door', null],
    [`/${'x'.repeat(300)}`, null],
  ];
  for (const [uri, expected] of table) {
    const target = parseTarget(uri);
    const found = target && [target.origin, target.camera, target.stream, target.track, target.credentials];
    assert.deepEqual(found, expected, uri);
  }
});

test('transports: the first TCP offer, and channels that are free', () => {
  const table: [string | undefined, number[], unknown][] = [
    ['RTP/AVP/TCP;unicast;interleaved=0-1', [], [0, 1]],
    ['RTP/AVP/TCP;interleaved=8-9;unicast', [0, 1], [8, 9]],
    ['RTP/AVP/TCP;unicast;interleaved=0-1', [0, 1], [2, 3]],
    ['RTP/AVP/TCP;unicast', [0, 1, 2, 3], [4, 5]],
    ['RTP/AVP;unicast;client_port=1-2, RTP/AVP/TCP;unicast;interleaved=2-3', [], [2, 3]],
    ['RTP/AVP/TCP;unicast;interleaved=7-7', [], [0, 1]],
    ['RTP/AVP/TCP;multicast;interleaved=0-1', [], null],
    ['RTP/AVP;unicast;client_port=1-2', [], null],
    ['RTP/SAVP/TCP;interleaved=0-1', [], null],
    [undefined, [], null],
  ];
  for (const [header, taken, expected] of table)
    assert.deepEqual(chooseChannels(header, new Set(taken)), expected, header);
});

test('times keep the camera’s distances, follow its drift in small steps, and begin anew after a jump', () => {
  const time = new MediaTime();
  const jitter = (n: number) => [0, 60, 5, 120, 0, 30][n % 6]!;
  let last = Number.NaN;
  let at = 10_000;
  // Ten minutes, 25 pictures a second, a clock that is slow by 200 ppm: 120 ms in all.
  for (let n = 0; n < 15_000; n++, at += 40.008) {
    const mono = time.toMono(n * 40, at + jitter(n));
    if (n > 0) assert.ok(Math.abs(mono - last - 40) <= 0.51, `${mono - last} at ${n}`);
    assert.ok(Math.abs(mono - at) < 70, `off by ${mono - at} at ${n}`);
    last = mono;
  }
  assert.equal(time.toMono(0, 700_000), 700_000, 'a new session of the camera');
  assert.equal(time.toMono(80, 700_010), 700_080, 'out of order is no jump');
  assert.equal(time.toMono(40, 700_050), 700_040);
  assert.equal(time.toMono(90_000, 700_060), 700_060, 'a clock that leaps');
  assert.equal(time.toMono(null, 5), 5);
});
