// Range and conditional requests to RFC 9110, on any URL of a file that never changes: segments, exports.

import assert from 'node:assert/strict';
import type { Nvr } from './harness.ts';

/** Asks for a file in every way that players and caches do. */
export async function assertRanges(nvr: Nvr, url: string): Promise<void> {
  const whole = await nvr.fetch(url);
  const bytes = Buffer.from(await whole.arrayBuffer());
  const { length } = bytes;
  const etag = whole.headers.get('etag')!;
  const lastModified = whole.headers.get('last-modified')!;
  assert.deepEqual([whole.status, whole.headers.get('accept-ranges')], [200, 'bytes'], url);
  assert.match(etag, /^"[^"]+"$/, 'a strong tag');
  const older = new Date(Date.parse(lastModified) - 5000).toUTCString();
  const asked: [Record<string, string>, number, Buffer | null][] = [
    [{ range: 'bytes=100-199' }, 206, bytes.subarray(100, 200)],
    [{ range: 'bytes=-5' }, 206, bytes.subarray(-5)],
    [{ range: `bytes=${length - 3}-` }, 206, bytes.subarray(-3)],
    [{ range: `bytes=0-${length * 2}` }, 206, bytes],
    [{ range: `bytes=${length}-` }, 416, null],
    [{ range: 'bytes=0-1,4-5' }, 416, null],
    [{ range: 'pages=1-2' }, 200, bytes],
    [{ range: 'bytes=0-9', 'if-range': etag }, 206, bytes.subarray(0, 10)],
    [{ range: 'bytes=0-9', 'if-range': '"another"' }, 200, bytes],
    [{ range: 'bytes=0-9', 'if-range': lastModified }, 206, bytes.subarray(0, 10)],
    [{ range: 'bytes=0-9', 'if-range': older }, 200, bytes],
    [{ 'if-none-match': etag }, 304, null],
    [{ 'if-none-match': `"another", W/${etag}` }, 304, null],
    [{ 'if-none-match': '"another"', 'if-modified-since': lastModified }, 200, bytes],
    [{ 'if-modified-since': lastModified }, 304, null],
    [{ 'if-modified-since': older }, 200, bytes],
    [{ 'if-match': '"another"' }, 412, null],
  ];
  for (const [headers, status, body] of asked) {
    const reply = await nvr.fetch(url, { headers });
    const got = Buffer.from(await reply.arrayBuffer());
    const what = `${url} ${JSON.stringify(headers)}`;
    assert.equal(reply.status, status, what);
    if (body) assert.ok(got.equals(body), what);
    if (status === 416) assert.equal(reply.headers.get('content-range'), `bytes */${length}`, what);
    if (status === 206) {
      const at = bytes.indexOf(body!);
      assert.match(reply.headers.get('content-range')!, new RegExp(`^bytes \\d+-\\d+/${length}$`), what);
      assert.equal(Number(reply.headers.get('content-length')), body!.length, what);
      assert.ok(at >= 0);
    }
    if (status === 304) assert.equal(reply.headers.get('etag'), etag, what);
  }
  const head = await nvr.fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-1' } });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(length)], 'HEAD knows no range');
  assert.equal((await head.arrayBuffer()).byteLength, 0);
  assert.equal((await nvr.fetch(url, { method: 'HEAD', headers: { 'if-none-match': etag } })).status, 304);
}
