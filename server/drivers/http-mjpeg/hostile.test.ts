// Servers that mean harm, and answers that make other programs open files: nothing is opened, everything is bounded.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import { CAMERA, endOf, RECORDER, sourceWorld } from '../../test/source-world.ts';
import type { CameraDriver } from '../driver.ts';
import { createHttpSnapshotDriver } from '../http-snapshot/index.ts';
import { createHttpMjpegDriver } from './index.ts';

const drivers = [createHttpMjpegDriver(), createHttpSnapshotDriver()];
const head = (type: string, more = '') => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${more}\r\n`;
const playlist = '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXTINF:1,\nhttp://169.254.169.254/latest/meta-data\n';

/** What an answer leads to: the error of opening, or of the session. Never more than one connection. */
async function failure(driver: CameraDriver, answer: readonly (string | Buffer)[]): Promise<NvrError> {
  const world = sourceWorld();
  let connections = 0;
  await using _listener = await world.camera.streams.listen({ address: CAMERA, port: 80 }, (stream) => {
    connections++;
    stream.onBytes(() => {
      for (const bytes of answer) stream.write(bytes);
      void stream.close();
    });
  });
  let error: unknown;
  try {
    await using session = await world.open(driver, {
      url: `http://${CAMERA}/x`,
      username: 'admin',
      password: 'hunter2',
    });
    error = await world.until(endOf(session));
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(isNvrError(error), String(error));
  assert.doesNotMatch(error.message + JSON.stringify(error.context), /hunter2|passwd|meta-data/);
  assert.equal(connections, 1);
  assert.equal(world.net.stats.sent, 0, 'no datagram left');
  await world.clock.advance(10_000);
  assert.equal(world.clock.timers, 0, 'no timer is left');
  return error;
}

const answers: Readonly<Record<string, readonly (string | Buffer)[]>> = {
  'a playlist': [head('application/vnd.apple.mpegurl'), playlist],
  'a playlist that calls itself a stream': [head('multipart/x-mixed-replace; boundary=x'), playlist],
  'a playlist that calls itself a picture': [head('image/jpeg'), playlist],
  'a concatenation script': [head('image/jpeg'), "ffconcat version 1.0\nfile '/etc/passwd'\n"],
  'a page': [head('text/html'), '<html>hello</html>'],
  'nothing at all': [],
  'a length that lies': [head('image/jpeg', 'Content-Length: 999999999999\r\n'), 'x'],
  'chunks without an end': [
    head('image/jpeg', 'Transfer-Encoding: chunked\r\n'),
    'ffffffff\r\n',
    Buffer.alloc(1 << 20),
  ],
  'a chunk without a length': [head('image/jpeg', 'Transfer-Encoding: chunked\r\n'), 'zzz\r\n'],
  'twenty megabytes of a picture': [
    head('image/jpeg'),
    Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]),
    ...Array.from({ length: 20 }, () => Buffer.alloc(1 << 20, 1)),
  ],
  'two megabytes of text': [head('multipart/x-mixed-replace; boundary=x'), Buffer.alloc(2 << 20, 'x')],
  'a redirect to a file': ['HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n'],
  'a redirect to a scheme of ffmpeg': ['HTTP/1.1 302 Found\r\nLocation: concat:http://a|file:///etc/passwd\r\n\r\n'],
  'a redirect to this machine': [`HTTP/1.1 302 Found\r\nLocation: http://${RECORDER}/passwd\r\n\r\n`],
  'a redirect with a line break': ['HTTP/1.1 302 Found\r\nLocation: /a\rX: y\r\n\r\n'],
};
for (const [name, answer] of Object.entries(answers)) {
  for (const driver of drivers) {
    test(`${driver.id}: ${name}`, { timeout: 30_000 }, async () => {
      const error = await failure(driver, answer);
      assert.ok(['protocol', 'timeout', 'unavailable'].includes(error.code), `${error.code}: ${error.message}`);
    });
  }
}
