import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveFixture } from '../../test/live/fixture.ts';

test('the page may be framed by anybody, runs nothing inline, and carries no token', async () => {
  await using perch = await LiveFixture.start();
  perch.camera.config = { ...perch.camera.config, name: '</title><script>alert("x")</script>' };
  const reply = await fetch(perch.url(`/embed/porch?token=${perch.token}`));
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('x-frame-options'), null);
  const policy = reply.headers.get('content-security-policy') ?? '';
  assert.match(policy, /frame-ancestors \*/);
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe-inline|upgrade-insecure-requests/);
  assert.equal(reply.headers.get('cross-origin-resource-policy'), 'cross-origin');
  assert.equal(reply.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  const html = await reply.text();
  assert.doesNotMatch(html, /<script>|style=|onerror|href="\/|src="\//);
  assert.ok(!html.includes(perch.token));
});

test('its files are small, cacheable and open', async () => {
  await using perch = await LiveFixture.start();
  for (const [name, type] of [
    ['player.js', 'text/javascript; charset=utf-8'],
    ['player.css', 'text/css; charset=utf-8'],
  ] as const) {
    const reply = await fetch(perch.url(`/embed/${name}`));
    assert.deepEqual([reply.status, reply.headers.get('content-type')], [200, type]);
    assert.match(reply.headers.get('cache-control') ?? '', /max-age/);
    assert.ok((await reply.text()).length < 8000);
  }
});

test('a camera that the token may not see does not exist', async () => {
  await using perch = await LiveFixture.start(['porch', 'yard']);
  const user = perch.auth.accounts.all()[0]!;
  const { secret } = perch.auth.apiTokens.add(
    { name: 't', scope: 'stream', cameras: ['cam_yard'], expiresAt: null },
    user.id,
  );
  for (const path of ['/embed/porch', '/cameras/porch/mjpeg', '/cameras/porch/snapshot.jpg', '/embed/nothing']) {
    assert.equal((await fetch(perch.url(`${path}?token=${secret}`))).status, 404, path);
  }
  assert.equal((await fetch(perch.url(`/embed/yard?token=${secret}`))).status, 200);
});
