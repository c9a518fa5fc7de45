import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../core/random.ts';
import { Redactor, WINDOW_BYTES } from './redactor.ts';

const SECRET = 'Grüße&<42>/~ "q"';

/** What is left of a text that was cut into pieces of that size. */
async function left(text: string | Uint8Array, size: number, secrets: readonly string[] = [SECRET]): Promise<Buffer> {
  const bytes = Buffer.from(text as string);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(Uint8Array.from(bytes.subarray(at, at + size)));
  await new Redactor(secrets).redact(pieces);
  const out = Buffer.concat(pieces);
  assert.equal(out.length, bytes.length, 'no length changes');
  return out;
}

test('a known secret goes in every form, wherever the pieces begin', async () => {
  const base64 = (before: string) => Buffer.from(`${before}${SECRET} and more`).toString('base64');
  const texts = [
    `a ${SECRET} b`,
    `a ${encodeURIComponent(SECRET)} b`,
    JSON.stringify({ x: SECRET }),
    Buffer.from(SECRET).toString('hex').toUpperCase(),
    ...['', 'u', 'us', 'use', 'user:'].map(base64),
  ];
  for (const text of texts) {
    for (const size of [1, 2, 3, 7, 1000]) {
      const out = (await left(text, size)).toString();
      assert.notEqual(out, text, text);
      assert.ok(!out.includes('42'), out);
      const decoded = Buffer.from(out.replaceAll(/x{4,}/g, 'AAAA'), 'base64').toString('latin1');
      assert.ok(!decoded.includes('42>/~'), `${text} -> ${out}`);
    }
  }
});

test('what stands where secrets stand goes, and nothing else', async () => {
  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['Authorization: Digest username="u", response="abcdef"\r\nCSeq: 1\r\n', 'abcdef', /CSeq: 1\r\n$/],
    ['authorization:Basic dTpw\r\nA: b', 'dTpw', /A: b$/],
    ['X-WSSE: UsernameToken PasswordDigest="zzz9", Nonce="1"\r\nA: b', 'zzz9', /A: b$/],
    ['<body><DevAuth>q1q1</DevAuth><Nonce>5</Nonce></body>', 'q1q1', /<Nonce>5<\/Nonce>/],
    ['<s:Password Type="http://a.example/x#PasswordDigest">q1q1=</s:Password><Nonce>5<', 'q1q1', /<Nonce>5</],
    ['GET /x.cgi?user=admin&password=p4p4&channel=1 HTTP/1.1', 'p4p4', /user=admin&password=x+&channel=1 HTTP/],
    ['GET /x.cgi?loginuse=a&loginpas=p4p4&user=a&pwd=p4p4& HTTP/1.1', 'p4p4', /loginuse=a/],
    ['rtsp://h/user=admin_password=p4p4_channel=1.sdp', 'p4p4', /user=admin_password=/],
    ['{"pro":"check_user","user":"admin","pwd":"p4p4","cmd":100}', 'p4p4', /"cmd":100/],
    ['DESCRIBE rtsp://admin:p4p4@10.0.0.1/ RTSP/1.0', 'p4p4', /rtsp:\/\/admin:xxxx@10.0.0.1/],
    ['rtsp://admin:p4:p4@10.0.0.1/x', 'p4', /rtsp:\/\/admin:xxxxx@10.0.0.1/],
    ['Set-Cookie: sid=p4p4; Path=/\r\nA: b', 'p4p4', /A: b$/],
  ];
  for (const [text, secret, kept] of cases) {
    for (const size of [1, 5, 1000]) {
      const out = (await left(text, size, [])).toString();
      assert.ok(!out.includes(secret), `${text} -> ${out}`);
      assert.match(out, kept);
    }
  }
});

test('a large stream is looked at across the borders of windows, and stays what it was but for the secrets', async () => {
  const random = seededRandom(3);
  const bytes = Buffer.from(Uint8Array.from({ length: 600_000 }, () => random() * 256));
  const places = [0, 60_000, WINDOW_BYTES - 3, 2 * WINDOW_BYTES - 8, 240_000, 4 * WINDOW_BYTES - 5, bytes.length - 8];
  const secret = 'hunter22';
  for (const at of places) bytes.write(secret, at);
  const out = await left(bytes, 1400, [secret]);
  assert.equal(out.includes(secret), false);
  let changed = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== out[at]) changed++;
  assert.ok(changed <= places.length * secret.length && changed > 30, String(changed));
});

test('what lies across the border of two windows goes whole, wherever it is cut', async () => {
  const line = 'Authorization: Digest zzzz hunter22 qqqq\r\npassword=hunter33&x\r\nrtsp://a:hunter44@b\r\n';
  const redactor = new Redactor(['hunter22']);
  const next = 2 * WINDOW_BYTES - 8 * 1024;
  for (const border of [WINDOW_BYTES, next]) {
    for (let before = 0; before <= line.length; before++) {
      const bytes = Buffer.alloc(2.5 * WINDOW_BYTES, '.');
      bytes.write(line, border - before);
      await redactor.redact([bytes]);
      const out = bytes.toString('latin1', border - before, border - before + line.length);
      assert.doesNotMatch(out, /zzzz|hun|ter|qqqq/, `${before}: ${out}`);
    }
  }
});
