// Where the page must work: plain http on a name of the LAN, behind a path prefix, on a phone, with hostile names; and
// pictures inside pages of other origins.

import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openBrowser, openPage, seesChange, seesMotion, signIn, skip, until, useCookie } from './chromium.ts';
import { startNvr } from './harness.ts';

const HOSTILE = '<img src=x onerror="document.title=1"> & "Porch"';

test('plain http on perch.lan: an insecure context', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: [{ name: 'Porch' }] });
  await using browser = await openBrowser(['--host-resolver-rules=MAP perch.lan 127.0.0.1']);
  const { page, problems } = await openPage(browser);
  const url = `http://perch.lan:${nvr.port}`;
  await signIn(page, url);
  assert.equal(await page.evaluate('isSecureContext'), false);
  await seesMotion(page.locator('.stage'));
  await page.getByRole('link', { name: 'Porch: open' }).click();
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByText('The addresses now carry a new token').waitFor();
  await page.getByLabel('Program').selectOption('Frigate');
  assert.match(
    await page.getByLabel('config.yml', { exact: true }).inputValue(),
    /^ {2}porch:\n.*\n.*\n {8}- path: rtsp:\/\/perch:[\w-]{43}@perch\.lan:\d+\/porch\n/,
  );
  await page.getByRole('button', { name: 'Check the addresses' }).click();
  const results = page.getByRole('list', { name: 'Result of the check' });
  await results.getByText('rtsp:/porch').waitFor();
  assert.match(await results.innerText(), /mjpeg\s+multipart\/x-mixed-replace; boundary=frame, after \d+ ms/);
  assert.doesNotMatch(await results.innerText(), /refused|nothing came|no answer/);
  await page.getByLabel('Program').selectOption('Home Assistant, MJPEG');
  await page.getByRole('button', { name: 'Copy: MJPEG URL' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const address = await page.getByLabel('MJPEG URL', { exact: true }).inputValue();
  assert.match(address, /^http:\/\/perch\.lan:\d+\/cameras\/porch\/mjpeg$/);
  const token = await page.getByLabel('Password', { exact: true }).inputValue();
  const reply = await fetch(`${address.replace('perch.lan', '127.0.0.1')}?token=${token}`);
  assert.equal(reply.status, 200);
  await reply.body?.cancel();
  assert.deepEqual(problems, []);
});

test('pages of another origin show the picture and the player', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: [{ name: 'Porch' }] });
  const { token } = await nvr.ok<{ token: string }>('POST', '/api/tokens', {
    name: 'page',
    scope: 'stream',
    cameras: ['porch'],
  });
  const foreign = createServer((_request, reply) => {
    reply.setHeader('content-type', 'text/html');
    reply.end(`<!doctype html><title>elsewhere</title>
      <img src="${nvr.url}/cameras/porch/mjpeg?token=${token}" width="320" height="240" alt="">
      <iframe src="${nvr.url}/embed/porch?token=${token}" width="320" height="240"></iframe>`);
  });
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  try {
    await using browser = await openBrowser(['--host-resolver-rules=MAP elsewhere.example 127.0.0.1']);
    const { page, problems } = await openPage(browser);
    await page.goto(`http://elsewhere.example:${(foreign.address() as AddressInfo).port}/`, { waitUntil: 'commit' });
    await seesChange(page.locator('img'));
    await seesChange(page.locator('iframe'));
    assert.deepEqual(problems, []);
  } finally {
    foreign.close();
    foreign.closeAllConnections();
  }
});

test('behind a proxy with a path prefix', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: [{ name: 'Porch' }] });
  await using proxy = await prefixProxy(nvr.port, '/api/hassio_ingress/abc');
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await signIn(page, proxy.url);
  await seesMotion(page.locator('.stage'));
  await page.getByRole('link', { name: 'Porch: open' }).click();
  await seesMotion(page.locator('.stage'));
  assert.equal(page.url(), `${proxy.url}#/camera/porch`);
  assert.deepEqual(problems, []);
});

test('a hostile name is text everywhere', { skip, timeout: 120_000 }, async () => {
  await using nvr = await startNvr({ cameras: [{ name: HOSTILE }] });
  const slug = nvr.app.fleet.all()[0]?.slug ?? '';
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser);
  await useCookie(page, nvr);
  for (const hash of ['', `camera/${slug}`, `camera/${slug}/edit`, `recordings/${slug}`, 'events']) {
    await page.goto(`${nvr.url}/#/${hash}`);
    await until(
      `the name on ${hash}`,
      async () =>
        (await page.locator('body').innerText()).includes('<img src=x') ||
        (await page.locator('option', { hasText: '<img src=x' }).count()) > 0,
    );
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  }
  assert.notEqual(await page.title(), '1');
  assert.deepEqual(problems, []);
});

test('no page is wider than a phone', { skip, timeout: 120_000 }, async () => {
  const long = 'A very long name without any sense, andwithaverylongwordthatdoesnotbreakanywherebyitself';
  await using nvr = await startNvr({ cameras: [{ name: long }, { name: 'Porch' }] });
  await nvr.ok('POST', '/api/tokens', { name: long, scope: 'stream' });
  await using browser = await openBrowser();
  const { page, problems } = await openPage(browser, {
    viewport: { width: 375, height: 740 },
    isMobile: true,
    hasTouch: true,
  });
  await useCookie(page, nvr);
  const slug = nvr.app.fleet.all()[0]?.slug ?? '';
  const pages = [
    '',
    'add',
    `camera/${slug}`,
    `camera/${slug}/edit`,
    `recordings/${slug}`,
    'events',
    'storage',
    'users',
    'tokens',
    'more',
  ];
  for (const hash of pages) {
    await page.goto(`${nvr.url}/#/${hash}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const [wide, view] = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, innerWidth]');
    assert.ok(wide <= view, `#/${hash} is ${wide} wide on ${view}`);
    assert.equal(view, 375, `#/${hash} made the phone zoom out`);
  }
  assert.deepEqual(problems, []);
});

/** A reverse proxy as Home Assistant's ingress is one: takes a prefix off, says so in a header, passes sockets. */
async function prefixProxy(port: number, prefix: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((incoming, reply) => {
    const path = incoming.url ?? '/';
    if (!path.startsWith(`${prefix}/`)) {
      reply.statusCode = 404;
      reply.end();
      return;
    }
    const headers = { ...incoming.headers, 'x-ingress-path': prefix };
    const outgoing = httpRequest({ port, method: incoming.method, path: path.slice(prefix.length), headers });
    outgoing.on('response', (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    });
    outgoing.on('error', () => reply.destroy());
    reply.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming, socket, head) => {
    const headers = { ...incoming.headers, 'x-ingress-path': prefix };
    const outgoing = httpRequest({ port, path: (incoming.url ?? '/').slice(prefix.length), headers });
    outgoing.on('upgrade', (answer, upstream, rest) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      socket.write(rest);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    outgoing.on('error', () => socket.destroy());
    outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
