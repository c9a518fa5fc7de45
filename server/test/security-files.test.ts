// Nothing outside the data folder is read, written or deleted, by any route, method or spelling; and what strangers put into
// the recordings folder (links, other people's files) is left alone.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fsck } from '../recording/fsck.ts';
import { startNvr } from './harness.ts';
import { SEEN, serveTwoCameras } from './two-cameras.ts';

const SECRET = 'the text of a file outside';
const TARGETS = ['secret.txt', 'etc/passwd', 'secret.key', 'perch.db'];
const DOTS = [
  ...['../', '..%2f', '%2e%2e/', '%2e%2e%2f', '%252e%252e%252f', '..%5c', '..\\', '....//', '..;/', '%c0%ae%c0%ae/'],
  ...['%ef%bc%8e%ef%bc%8e/', '..%00/', '%uff0e%uff0e/', '/', '//', 'file:///', './/../'],
];

async function scratch(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'perch-files-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Sends a request line as it is: clients tidy addresses up before they send them. */
async function raw(url: string, line: string, headers: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`);
  await once(socket, 'close');
  return text;
}

test('every route with a name in its address, every method, every spelling: nothing from outside', async (context) => {
  const root = await scratch(context);
  const webRoot = join(root, 'web');
  await mkdir(join(webRoot, 'assets'), { recursive: true });
  await writeFile(join(webRoot, 'index.html'), '<!doctype html><head></head>');
  await writeFile(join(webRoot, 'assets/a.js'), 'export {};');
  await writeFile(join(root, 'secret.txt'), SECRET);
  symlinkSync(join(root, 'secret.txt'), join(webRoot, 'assets/link.js'));
  await using web = await serveTwoCameras({ webRoot });
  const url = await web.listen();
  const films = () => readdirSync(web.recordings.files.root, { recursive: true }).length;
  const filmsBefore = films();
  const auth = `Authorization: ${web.bearer('admin')}\r\n`;
  const prefixes = ['/', '/assets/', '/embed/', '/api/docs/static/', ...namesOf(web.routes.map((route) => route.url))];
  let asked = 0;
  for (const prefix of new Set(prefixes)) {
    const lines: Promise<string>[] = [];
    for (const dots of DOTS) {
      for (const target of TARGETS) {
        const path = `${prefix}${dots.repeat(dots.length > 3 ? 3 : 6)}${target}`;
        for (const method of target === 'secret.txt' ? ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] : ['GET'])
          lines.push(raw(url, `${method} ${path}`, auth));
      }
    }
    for (const reply of await Promise.all(lines)) {
      asked++;

      assert.match(reply, /^HTTP\/1\.1 (200|204|400|401|403|404|405|414|415|421|429|302) /, reply.slice(0, 300));
      assert.ok(!reply.includes(SECRET) && !reply.includes('root:x:0') && !reply.includes('SQLite format'), reply);
    }
  }
  const long = await raw(url, `GET /api/cameras/${'a'.repeat(10_000)}`, auth);
  assert.match(long, /^HTTP\/1\.1 4(00|04|14|31) /);
  assert.doesNotMatch(await raw(url, 'GET /assets/link.js', ''), new RegExp(SECRET), 'a link in the web folder');
  assert.ok(asked > 1000, String(asked));
  assert.equal(films(), filmsBefore, 'and nothing was deleted');
  assert.equal(readFileSync(join(root, 'secret.txt'), 'utf8'), SECRET);
});

/** The beginnings of routes up to their first parameter. */
const namesOf = (urls: readonly string[]) => urls.filter((url) => /[:*]/.test(url)).map((url) => url.split(/[:*]/)[0]!);

test('a row of the index that points elsewhere is not followed', async (context) => {
  const outside = await scratch(context);
  await writeFile(join(outside, 'secret.mp4'), SECRET);
  await using web = await serveTwoCameras();
  const headers = { cookie: web.cookie };
  const id = web.segments[SEEN]!;
  for (const path of ['../../../../etc/passwd', `${SEEN}/../../../x.mp4`, '/etc/passwd', '..', '']) {
    web.db.prepare('update segments set path = ? where id = ?').run(path, id);
    for (const what of ['media', 'thumbnail.jpg', 'play.mp4']) {
      const reply = await web.app.inject({ url: `/api/segments/${id}/${what}`, headers });
      assert.doesNotMatch(reply.body, /root:x:0/, path);
      assert.ok(reply.statusCode >= 400 || reply.body === '', `${path} ${what}: ${reply.statusCode}`);
    }
    await web.app.inject({ method: 'DELETE', url: `/api/segments/${id}`, headers });
    assert.ok(existsSync('/etc/passwd') && existsSync(outside));
    web.db.prepare('update segments set doomed_at = null where id = ?').run(id);
  }
});

test('links and strange files in the recordings folder: not read, not listed, not deleted', async (context) => {
  const [dataDir, outside] = [await scratch(context), await scratch(context)];
  const film = join(outside, '10-00-00Z.mp4');
  const size = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:r=5:d=2'];
  execFileSync('ffmpeg', ['-v', 'error', ...size, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', film]);
  const strangers = join(outside, 'day');
  await mkdir(strangers);
  writeFileSync(join(strangers, '11-00-00Z.mp4'), readFileSync(film));
  const recordings = join(dataDir, 'recordings');
  const day = join(recordings, 'door', '2026-05-01');
  await mkdir(day, { recursive: true });
  symlinkSync(film, join(day, '10-00-00Z.mp4'));
  symlinkSync(strangers, join(recordings, 'door', '2026-05-02'));
  symlinkSync(outside, join(recordings, 'elsewhere'));
  symlinkSync(join(outside, 'not-there'), join(day, '10-05-00Z.mp4.part'));
  const odd = ['notes.txt', '99-99-99Z.mp4', '10-00-00Z.mp4.exe', '-i.mp4', 'a\nb.mp4', '10-00-00Z.mp4 '];
  for (const name of odd) writeFileSync(join(day, name), 'a note of mine');
  execFileSync('mkfifo', [join(day, '10-10-00Z.mp4')]); // opening one would wait for ever
  const before = [readdirSync(outside, { recursive: true }), readFileSync(film)];

  const check = () => {
    assert.deepEqual([readdirSync(outside, { recursive: true }), readFileSync(film)], before);
    for (const name of odd) assert.equal(readFileSync(join(day, name), 'utf8'), 'a note of mine', name);
  };
  {
    await using nvr = await startNvr({ dataDir, cameras: [{ name: 'Door' }] });
    const slug = nvr.app.fleet.all()[0]!.slug;
    const { segments } = await nvr.ok<{ segments: unknown[] }>('GET', `/api/cameras/${slug}/segments`);
    assert.deepEqual(segments, []);
    await nvr.ok('GET', '/api/storage');
    await nvr.ok('DELETE', `/api/cameras/${slug}?recordings=delete`);
    check();
  }
  const report = await fsck({ dataDir, databaseFile: join(dataDir, 'perch.db'), repair: true });
  assert.deepEqual(report.left, []);
  check();
});

test('a folder of a camera that was replaced by a link: what was recorded is not served from elsewhere', async (context) => {
  const outside = await scratch(context);
  await using web = await serveTwoCameras();
  const { root } = web.recordings.files;
  await mkdir(join(outside, '2026-05-01'));
  await writeFile(join(outside, '2026-05-01', '10-00-00Z.mp4'), SECRET);
  await rm(join(root, SEEN), { recursive: true });
  symlinkSync(outside, join(root, SEEN));
  const headers = { cookie: web.cookie };
  const id = web.segments[SEEN];
  for (const what of ['media', 'thumbnail.jpg', 'play.mp4']) {
    const reply = await web.app.inject({ url: `/api/segments/${id}/${what}`, headers });
    assert.ok(!reply.body.includes(SECRET), what);
  }
  const gone = await web.app.inject({ method: 'DELETE', url: `/api/segments/${id}`, headers });
  assert.ok(existsSync(join(outside, '2026-05-01', '10-00-00Z.mp4')), `${gone.statusCode}`);
});
