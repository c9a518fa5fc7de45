// Servers that mean harm: whatever they answer, opening ends with an error in bounded time and memory, and nothing is left.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import type { ByteStream } from '../../net/stream.ts';
import { CAMERA, type SourceWorld, sourceWorld } from '../../test/source-world.ts';
import { createRtspDriver } from './index.ts';

const driver = createRtspDriver();
const settings = { url: `rtsp://${CAMERA}/x`, username: 'admin', password: 'hunter2' };

/** A server made of one function per request text. */
async function server(
  world: SourceWorld,
  answer: (request: string, stream: ByteStream) => void,
): Promise<AsyncDisposable> {
  return world.camera.streams.listen({ address: CAMERA, port: 554 }, (stream) => {
    stream.onBytes((bytes) => answer(Buffer.from(bytes).toString(), stream));
  });
}

const sequenceOf = (request: string) => /CSeq: (\d+)/.exec(request)?.[1] ?? '0';
const ok = (request: string, more = '') => `RTSP/1.0 200 OK\r\nCSeq: ${sequenceOf(request)}\r\n${more}\r\n`;

/** @returns the error, after seeing that no timer is left */
async function opening(answer: (request: string, stream: ByteStream) => void): Promise<NvrError> {
  const world = sourceWorld();
  const listener = await server(world, answer);
  try {
    const session = await world.open(driver, settings);
    await session[Symbol.asyncDispose]();
    throw new Error('it opened');
  } catch (error) {
    assert.ok(isNvrError(error), String(error));
    assert.doesNotMatch(error.message + JSON.stringify(error.context), /hunter2/);
    await world.clock.advance(10_000);
    assert.equal(world.clock.timers, 0, 'no timer is left');
    return error;
  } finally {
    await listener[Symbol.asyncDispose]();
  }
}

const attacks: Readonly<Record<string, (request: string, stream: ByteStream) => void>> = {
  'headers without an end': (_, stream) => stream.write(`RTSP/1.0 200 OK\r\n${'X: y\r\n'.repeat(5000)}`),
  'one line without an end': (_, stream) => stream.write(`RTSP/1.0 200 ${'x'.repeat(40_000)}`),
  'a body of a gigabyte': (request, stream) => stream.write(ok(request, 'Content-Length: 1000000000\r\n')),
  'a negative body': (request, stream) => stream.write(ok(request, 'Content-Length: -5\r\n')),
  'random bytes': (_, stream) => stream.write(Buffer.alloc(300_000, 0xa7)),
  'packets instead of replies': (_, stream) => stream.write(Buffer.from([0x24, 9, 0, 2, 1, 2])),
  'every nonce stale': (request, stream) =>
    stream.write(
      `RTSP/1.0 401 No\r\nCSeq: ${sequenceOf(request)}\r\nWWW-Authenticate: Digest realm="r", nonce="${Math.random()}", stale=true\r\n\r\n`,
    ),
  'replies to requests that were never made': (_, stream) => stream.write('RTSP/1.0 200 OK\r\nCSeq: 999\r\n\r\n'),
  'a redirect in the middle': (_, stream) => stream.write('REDIRECT rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n'),
  'a description that is a picture': (request, stream) =>
    stream.write(`${ok(request, 'Content-Length: 4\r\n')}\u0001abc`),
  'a thousand streams': (request, stream) => {
    const sdp = 'm=application 0 RTP/AVP 96\r\n'.repeat(1000);
    stream.write(ok(request, `Content-Length: ${sdp.length}\r\n`) + sdp);
  },
  'the end after half a reply': (_, stream) => {
    stream.write('RTSP/1.0 200 OK\r\nCSe');
    void stream.close();
  },
};
for (const [name, answer] of Object.entries(attacks)) {
  test(name, { timeout: 30_000 }, async () => {
    const error = await opening(answer);
    assert.ok(['protocol', 'timeout', 'refused', 'unavailable'].includes(error.code), `${error.code} ${error.message}`);
  });
}

test('control characters of a description and of a challenge never come back in a request', async () => {
  const requests: string[] = [];
  const sdp = 'm=video 0 RTP/AVP 26\r\na=control:a\u0001b\u000bX: y\r\n';
  await opening((request, stream) => {
    requests.push(request);
    const cseq = `CSeq: ${sequenceOf(request)}\r\n`;
    if (!request.includes('Authorization')) {
      stream.write(`RTSP/1.0 401 No\r\n${cseq}WWW-Authenticate: Digest realm="a\u0007\u000bb", nonce="n"\r\n\r\n`);
    } else if (request.startsWith('DESCRIBE')) stream.write(ok(request, `Content-Length: ${sdp.length}\r\n`) + sdp);
    else stream.write(`RTSP/1.0 ${request.startsWith('OPTIONS') ? 200 : 500} X\r\n${cseq}\r\n`);
  });
  assert.ok(requests.some((request) => request.startsWith('SETUP')));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const request of requests) assert.doesNotMatch(request, /[\x00-\x09\x0b\x0c\x0e-\x1f]/);
});

test('a realm in UTF-8 is answered as it came', async () => {
  const realm = 'Вход в камеру 摄像头';
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const expected = md5(`${md5(`admin:${realm}:hunter2`)}:n:${md5(`OPTIONS ${settings.url}`.replace(' ', ':'))}`);
  let given = '';
  const error = await opening((request, stream) => {
    given ||= /response="(\w+)"/.exec(request)?.[1] ?? '';
    if (given !== '') assert.ok(request.includes(`realm="${realm}"`));
    stream.write(
      `RTSP/1.0 401 No\r\nCSeq: ${sequenceOf(request)}\r\nWWW-Authenticate: Digest realm="${realm}", nonce="n"\r\n\r\n`,
    );
  });
  assert.equal(error.code, 'refused');
  assert.equal(given, expected);
});

test('a flood of questions is answered one by one, and the camera is still read', async () => {
  const world = sourceWorld();
  let answers = 0;
  await using _ = await server(world, (request, stream) => {
    if (request.startsWith('RTSP/1.0 200')) answers++;
    if (!request.startsWith('OPTIONS rtsp')) return;
    for (let n = 0; n < 500; n++) stream.write(`OPTIONS * RTSP/1.0\r\nCSeq: ${n}\r\n\r\n`);
    stream.write(`RTSP/1.0 404 No\r\nCSeq: ${sequenceOf(request)}\r\n\r\n`);
  });
  const notFound = (error: unknown) => isNvrError(error) && error.context.reason === 'notFound';
  await assert.rejects(world.open(driver, settings), notFound);
  assert.equal(answers, 500);
});
