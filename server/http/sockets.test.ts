// Real sockets: TLS, hostile bytes, and callers of sockets that outlive their request.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveHttp } from '../test/http-server.ts';

/** Sends raw bytes and returns everything that comes until the server closes. */
async function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let reply = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    reply += chunk;
  });
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return reply;
}

test('hostile bytes get a 4xx and the server lives', async () => {
  await using web = await serveHttp();
  const url = await web.listen();
  for (const [bytes, status] of [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1\.1 400/],
    ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400/],
    ['GET / HTTP/9.9\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 (400|505)/],
    ['GET /%ZZ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400/],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    [
      'POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400/,
    ],
    [
      'GET /api/session HTTP/1.1\r\nHost: localhost\r\nCookie: perch_session=%ZZ; a=\x01\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 [24]00/,
    ],
    ['GET /api/session HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 (400|200)/],
  ] as const) {
    const reply = await raw(url, bytes);
    assert.match(reply, status, JSON.stringify(bytes.slice(0, 60)));
    const bodiless = reply.endsWith('\r\n\r\n'); // a missing Host is refused by Node itself
    if (/^HTTP\/1\.1 4/.test(reply) && !bodiless)
      assert.match(reply, /content-type: application\/problem\+json/i, reply);
  }
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('an address is answered thousands of times a minute, then told to wait; another one still is answered', async () => {
  await using web = await serveHttp();
  const url = await web.listen();
  const limit = Number((await web.app.inject('/api/session')).headers['x-ratelimit-limit']);
  assert.ok(limit <= 10_000, String(limit));
  const ask = 'GET /api/session HTTP/1.1\r\nHost: localhost\r\n';
  const reply = await raw(url, `${`${ask}\r\n`.repeat(limit)}${ask}Connection: close\r\n\r\n`);
  const statuses = [...reply.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
  assert.equal(statuses.length, limit + 1);
  // One went above; those under way together when the bound is reached are all refused.
  const answered = statuses.indexOf('429');
  assert.ok(answered >= limit / 2 && answered < limit, `${answered} of ${limit}`);
  assert.ok(statuses.slice(answered).every((status) => status === '429'));
  assert.match(reply, /^retry-after: \d+\r$/m);
  assert.equal((await web.app.inject({ url: '/api/session', remoteAddress: '10.0.0.9' })).statusCode, 200);
});

test('time-outs are explicit, and none cuts a reply that flows', async () => {
  await using web = await serveHttp();
  const { server } = web.app;
  assert.ok(server.headersTimeout > 0 && server.headersTimeout <= 30_000);
  assert.ok(server.requestTimeout >= server.headersTimeout && server.requestTimeout <= 60_000);
  assert.ok(server.keepAliveTimeout > 0 && server.keepAliveTimeout <= 120_000);
  assert.ok(server.timeout >= 60_000, 'idle means that nothing moves either way; streams write every 15 s');
  assert.ok(server.maxConnections >= 1000);
});

test('a WebSocket: the origin is checked, the caller is known, and the signal ends with the session', async () => {
  const seen: (string | null)[] = [];
  let aborted = Promise.withResolvers<void>();
  await using web = await serveHttp({
    routes: (app) =>
      app.get(
        '/test/socket',
        { websocket: true, config: { access: 'public', identify: true }, schema: {} },
        (socket, req) => {
          seen.push(req.caller?.username ?? null);
          const mine = aborted;
          req.callerSignal.addEventListener('abort', () => {
            socket.close();
            mine.resolve();
          });
          socket.send('hello');
        },
      ),
  });
  const url = await web.listen();
  const { port } = new URL(url);
  const upgrade = async (headers: string) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.setEncoding('latin1');
    socket.write(
      `GET /test/socket HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
    );
    let text = '';
    while (!/hello|HTTP\/1\.1 4/.test(text)) text += String((await once(socket, 'data'))[0]);
    return { socket, text };
  };
  const cookie = `Cookie: ${web.cookie}\r\n`;
  const own = await upgrade(`${cookie}Origin: http://localhost:${port}\r\n`);
  assert.match(own.text, /^HTTP\/1\.1 101/);
  const foreign = await upgrade(`${cookie}Origin: http://localhost:9\r\n`);
  const anonymous = await upgrade('');
  assert.deepEqual(seen, ['admin', null, null], 'the cookie of another origin is not heard');
  assert.equal(web.auth.revocations.size, 1);
  const out = await fetch(`${url}/api/session`, { method: 'DELETE', headers: { cookie: web.cookie } });
  assert.equal(out.status, 204);
  await aborted.promise;
  aborted = Promise.withResolvers();
  for (const { socket } of [own, foreign, anonymous]) socket.destroy();
  for (let turn = 0; web.auth.revocations.size > 0 && turn < 1000; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  assert.equal(web.auth.revocations.size, 0);
});

test('a message on a WebSocket is refused by its head, before it has come', async () => {
  await using web = await serveHttp();
  const { port } = new URL(await web.listen());
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'GET /api/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  while (!bytes.includes('\r\n\r\n')) await once(socket, 'data');
  assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 101/);
  // The head of a masked text of 1 MiB, and nothing of it.
  socket.write(Buffer.from('81ff0000000000100000deadbeef', 'hex'));
  const TOO_BIG = Buffer.from([0x88, 2, 1009 >> 8, 1009 & 255]);
  while (!bytes.includes(TOO_BIG)) await once(socket, 'data');
  socket.destroy();
});

test('clients that leave while their password is being verified leave nothing behind', async () => {
  await using web = await serveHttp();
  const url = new URL(await web.listen());
  const basic = (n: number) =>
    Buffer.from(`admin:${n === 0 ? 'correct horse battery' : `wrong ${n}`}`).toString('base64');
  for (let round = 0; round < 3; round++) {
    const sockets = Array.from({ length: 10 }, (_, n) => {
      const socket = connect(Number(url.port), url.hostname);
      socket.on('error', () => {});
      socket.write(`GET /api/cameras HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${basic(n % 2)}\r\n\r\n`);
      return socket;
    });
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of sockets) socket.destroy();
  }
  await web.auth.authenticator.byBasic('admin', 'correct horse battery', { address: '192.0.2.1' });
  const token = web.bearer('viewer');
  assert.equal((await fetch(new URL('/api/cameras', url), { headers: { authorization: token } })).status, 200);
  for (let turn = 0; web.auth.revocations.size > 0 && turn < 1000; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  assert.equal(web.auth.revocations.size, 0);
});

test('https: the cookie is Secure, HSTS is sent', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'perch-tls-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  try {
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-keyout', files.key, '-out', files.cert], {
      stdio: 'ignore',
    });
  } catch {
    context.skip('there is no openssl to make a certificate with');
    return;
  }
  await using web = await serveHttp({ tls: { cert: readFileSync(files.cert), key: readFileSync(files.key) } });
  const url = new URL(await web.listen());
  assert.equal(url.protocol, 'https:');
  const call = request(new URL('/api/session', url), {
    method: 'POST',
    ca: readFileSync(files.cert),
    servername: 'localhost',
    headers: { 'content-type': 'application/json' },
    agent: false,
  });
  call.end(JSON.stringify({ username: 'admin', password: 'correct horse battery' }));
  const [reply] = await once(call, 'response');
  reply.resume();
  assert.equal(reply.statusCode, 200);
  assert.match(String(reply.headers['set-cookie']), /; Secure/);
  assert.match(reply.headers['strict-transport-security'], /max-age=\d+/);
  assert.match(reply.headers['cross-origin-opener-policy'], /same-origin/);
});
