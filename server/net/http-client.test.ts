// What the drivers' tests do not reach: a body that comes with its head, and one that never ends.

import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { parseCameraUrl } from './camera-url.ts';
import { HttpAuth } from './http-auth.ts';
import { type HttpReply, openHttp } from './http-client.ts';
import { MemoryNet } from './memory-net.ts';

async function world(answer: string) {
  const clock = new ManualClock();
  const net = new MemoryNet({ clock });
  const asked: string[] = [];
  await net.host('10.0.0.2').streams.listen({ address: '10.0.0.2', port: 80 }, (stream) => {
    stream.onBytes((bytes) => {
      asked.push(Buffer.from(bytes).toString());
      stream.write(answer);
      void stream.close();
    });
  });
  const url = parseCameraUrl('http://10.0.0.2/a?b=1', ['http']);
  const request = { url, target: url.target, auth: new HttpAuth(null) };
  const opening = openHttp(request, { net: net.host('10.0.0.1'), clock, signal: new AbortController().signal });
  opening.catch(() => {});
  await clock.advance(50);
  return { opening, asked, clock };
}

function body(reply: HttpReply): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    reply.onBody({
      bytes: (bytes) => {
        text += Buffer.from(bytes).toString();
      },
      end: (error) => (error ? reject(error) : resolve(text)),
    });
  });
}

test('a body that came with its head is there when it is asked for', async () => {
  const { opening, asked } = await world('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  assert.equal(await body(await opening), 'hello');
  assert.match(asked[0]!, /^GET \/a\?b=1 HTTP\/1\.1\r\nHost: 10\.0\.0\.2\r\n/);
  assert.match(asked[0]!, /Accept-Encoding: identity/);
});

test('chunks, and a 100 before the answer', async () => {
  const { opening } = await world(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
  );
  assert.equal(await body(await opening), 'hello');
});

test('a body that is shorter than announced is an error', async () => {
  const { opening } = await world('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello');
  await assert.rejects(body(await opening), (error: unknown) => isNvrError(error, 'unavailable'));
});

test('what is not HTTP, or has endless headers, is an error', async () => {
  for (const answer of [
    'SSH-2.0-x\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`,
    'HTTP/1.1 abc\r\n\r\n',
  ]) {
    await assert.rejects((await world(answer)).opening, (error: unknown) => isNvrError(error, 'protocol'));
  }
});
