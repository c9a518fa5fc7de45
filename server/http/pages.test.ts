// The dashboard's files and its one page.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { serveHttp } from '../test/http-server.ts';

suite('pages', () => {
  let webRoot = '';

  before(async () => {
    webRoot = await mkdtemp(join(tmpdir(), 'perch-pages-'));
    await mkdir(join(webRoot, 'assets'));
    await writeFile(join(webRoot, 'index.html'), '<!doctype html><html><head><title>Perch</title></head></html>');
    await writeFile(join(webRoot, 'assets/main-abc123.js'), 'export {};');
    await writeFile(join(webRoot, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await writeFile(join(webRoot, '..', 'perch-outside.txt'), 'outside');
  });

  after(async () => {
    await rm(webRoot, { recursive: true, force: true });
    await rm(join(webRoot, '..', 'perch-outside.txt'), { force: true });
  });

  const html = { accept: 'text/html,application/xhtml+xml' };

  test('the page and its files, without signing in', async () => {
    await using web = await serveHttp({ webRoot });
    const page = await web.app.inject({ url: '/', headers: html });
    assert.equal(page.statusCode, 200);
    assert.match(String(page.headers['content-type']), /^text\/html/);
    assert.equal(page.headers['cache-control'], 'no-cache');
    assert.doesNotMatch(page.body, /<base/);
    const script = await web.app.inject('/assets/main-abc123.js');
    assert.match(String(script.headers['content-type']), /javascript/);
    assert.match(String(script.headers['cache-control']), /immutable/);
    const icon = await web.app.inject('/favicon.svg');
    assert.equal(icon.headers['content-type'], 'image/svg+xml');
    assert.equal(icon.headers['cache-control'], 'no-cache');
    assert.equal((await web.app.inject({ method: 'HEAD', url: '/' })).statusCode, 200);
  });

  test('any other address is the page for a browser and a problem for everybody else', async () => {
    await using web = await serveHttp({ webRoot });
    const deep = await web.app.inject({ url: '/camera/porch', headers: html });
    assert.equal(deep.statusCode, 200);
    assert.match(deep.body, /<base href="\.\.\/" \/>/);
    assert.equal((await web.app.inject('/camera/porch')).statusCode, 404);
    for (const url of ['/api/nothing', '/cameras/porch/nothing', '/assets/gone.js', '/api']) {
      const reply = await web.app.inject({ url, headers: html });
      assert.equal(reply.statusCode, 404, url);
      assert.match(String(reply.headers['content-type']), /problem\+json/);
    }
  });

  test('X-Ingress-Path becomes the base, and only a path does', async () => {
    await using web = await serveHttp({ webRoot });
    const base = async (path: string, url = '/') => {
      const reply = await web.app.inject({ url, headers: { ...html, 'x-ingress-path': path } });
      return /<base href="([^"]*)"/.exec(reply.body)?.[1];
    };
    assert.equal(await base('/api/hassio_ingress/AbC-1_2'), '/api/hassio_ingress/AbC-1_2/');
    assert.equal(await base('/prefix/', '/camera/porch'), '/prefix/');
    for (const hostile of [
      '//evil.example',
      'http://evil.example',
      '/"><script>',
      '/a b',
      'a',
      '/a//b',
      '/'.padEnd(300, 'a'),
    ]) {
      assert.equal(await base(hostile), undefined, hostile);
    }
  });

  test('nothing outside the folder', async () => {
    await using web = await serveHttp({ webRoot });
    for (const url of [
      '/../perch-outside.txt',
      '/..%2fperch-outside.txt',
      '/%2e%2e/perch-outside.txt',
      '/assets/..%2f..%2fperch-outside.txt',
      '/..\\perch-outside.txt',
      '/%00',
      '/assets/%c0%ae%c0%ae/x',
    ]) {
      const reply = await web.app.inject(url);
      assert.ok([400, 404].includes(reply.statusCode), `${url}: ${reply.statusCode}`);
      assert.doesNotMatch(reply.body, /outside"?$/);
    }
  });
});
