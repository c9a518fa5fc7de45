// Events: pages of the past, the stream of now, and when it must end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveHttp, type WebServer } from '../test/http-server.ts';

type Fact = { event: string; data: Record<string, unknown> };

/** Reads a stream of server-sent events over a real socket. */
class EventReader implements AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  readonly #leave: AbortController;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = '';

  private constructor(response: Response, leave: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#leave = leave;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(url: string, headers: Record<string, string>): Promise<EventReader> {
    const leave = new AbortController();
    return new EventReader(await fetch(`${url}/api/events/stream`, { headers, signal: leave.signal }), leave);
  }

  /** The next fact; `null` at the end of the stream. */
  async next(): Promise<Fact | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const event = /^event: (.*)$/m.exec(block)?.[1];
        if (event) return { event, data: JSON.parse(/^data: (.*)$/m.exec(block)![1]!) };
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#text += value;
    }
  }

  /** Reads until a fact of that name. */
  async until(name: string): Promise<Fact> {
    for (;;) {
      const fact = await this.next();
      assert.ok(fact, `the stream ended before ${name}`);
      if (fact.event === name) return fact;
    }
  }

  async ended(): Promise<void> {
    while (await this.next());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await this.#reader.cancel().catch(() => {});
  }
}

const fact = (web: WebServer, slug: string) => {
  const { id, config } = web.fleet.get(slug);
  return { camera: id, slug, name: config.name };
};

test('the stream begins with the status of each camera and goes on with facts', async () => {
  await using web = await serveHttp({ cameras: ['porch', 'yard'] });
  const url = await web.listen();
  await using reader = await EventReader.open(url, { cookie: web.cookie });
  assert.equal(reader.status, 200);
  assert.match(reader.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(reader.headers.get('x-accel-buffering'), 'no');
  const first = [await reader.next(), await reader.next()];
  assert.deepEqual(
    first.map((item) => [item?.event, item?.data.slug]),
    [
      ['camera.status', 'porch'],
      ['camera.status', 'yard'],
    ],
  );
  const start = Date.UTC(2026, 4, 1);
  web.bus.publish('segment.opened', { camera: web.fleet.get('porch').id, slug: 'porch', start });
  const opened = await reader.until('segment.opened');
  assert.equal(opened.data.start, '2026-05-01T00:00:00.000Z');
  assert.equal(opened.data.type, 'segment.opened');
  assert.match(String(opened.data.at), /Z$/);
  web.fleet.start();
  const live = await reader.until('camera.wentLive');
  assert.equal(live.data.slug, 'porch');
});

test('nobody hears of cameras that they may not see', async () => {
  await using web = await serveHttp({ cameras: ['porch', 'yard'] });
  const url = await web.listen();
  await using reader = await EventReader.open(url, { authorization: web.bearer('viewer', ['yard']) });
  web.bus.publish('camera.changed', fact(web, 'porch'));
  web.bus.publish('storage.full', { message: 'full' });
  web.bus.publish('segment.adopted', { camera: null, slug: 'porch', segment: 'seg_1' });
  web.bus.publish('camera.changed', fact(web, 'yard'));
  const heard = [await reader.next(), await reader.next()];
  assert.deepEqual(
    heard.map((item) => [item?.event, item?.data.slug]),
    [
      ['camera.status', 'yard'],
      ['camera.changed', 'yard'],
    ],
  );
});

test('the stream ends with the session, the token, the right, and the server', async () => {
  const web = await serveHttp({ cameras: ['porch'] });
  const url = await web.listen();
  const viewer = await web.auth.accounts.add({ username: 'v', password: 'password 1', role: 'viewer', cameras: null });
  const signedIn = await web.auth.authenticator.signIn('v', 'password 1', { address: '127.0.0.1' });
  await using byRight = await EventReader.open(url, { cookie: `perch_session=${signedIn.secret}` });
  await using bySession = await EventReader.open(url, { cookie: web.cookie });
  const bearer = web.bearer('viewer');
  await using byToken = await EventReader.open(url, { authorization: bearer });
  await using byServer = await EventReader.open(url, { authorization: web.bearer('viewer') });

  await web.auth.accounts.change(viewer.id, { cameras: [] });
  await byRight.ended();
  const out = await fetch(`${url}/api/session`, { method: 'DELETE', headers: { cookie: web.cookie } });
  assert.equal(out.status, 204);
  await bySession.ended();
  web.auth.apiTokens.remove(web.auth.apiTokens.all()[0]!.id);
  await byToken.ended();
  web.bus.publish('camera.changed', fact(web, 'porch'));
  await byServer.until('camera.changed');
  await web[Symbol.asyncDispose]();
  await byServer.ended();
});

test('a client that leaves leaves nothing behind', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const url = await web.listen();
  const { revocations } = web.auth;
  {
    await using first = await EventReader.open(url, { cookie: web.cookie });
    await using second = await EventReader.open(url, { authorization: web.bearer('viewer') });
    await first.next();
    await second.next();
    assert.equal(revocations.size, 2);
  }
  for (let turn = 0; revocations.size > 0 && turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(revocations.size, 0);
});

test('a client that does not read is let go, the others are not held up', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const url = await web.listen();
  await using idle = await EventReader.open(url, { cookie: web.cookie });
  assert.equal(idle.status, 200);
  await using reading = await EventReader.open(url, { cookie: web.cookie });
  const message = 'x'.repeat(10_000);
  const lost = { camera: web.fleet.get('porch').id, slug: 'porch', code: 'timeout', message };
  for (let n = 0; n < 2000 && web.auth.revocations.size === 2; n++) {
    web.bus.publish('camera.lost', lost);
    await reading.until('camera.lost');
  }
  assert.equal(web.auth.revocations.size, 1, '20 MB were not kept for one who does not read');
});

test('pages of events, by camera, type and time', async () => {
  await using web = await serveHttp({ cameras: ['porch', 'yard'] });
  for (let n = 0; n < 25; n++) {
    const slug = n % 2 ? 'porch' : 'yard';
    web.bus.publish('camera.lost', { camera: web.fleet.get(slug).id, slug, code: 'timeout', message: `loss ${n}` });
  }
  web.bus.publish('storage.full', { message: 'The disk is full' });
  const get = async (query: string, headers: Record<string, string> = { cookie: web.cookie }) =>
    (await web.app.inject({ url: `/api/events${query}`, headers })).json();
  const seen: string[] = [];
  let next: string | null = '';
  for (let pages = 0; next !== null; pages++) {
    assert.ok(pages < 10);
    const page = await get(`?type=camera.lost&limit=10${next ? `&cursor=${next}` : ''}`);
    seen.push(...page.events.map((event: { message: string }) => event.message));
    next = page.next;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 25 }, (_, n) => `loss ${24 - n}`),
    'newest first, each once',
  );

  const porch = (await get('?camera=porch&type=camera.lost')).events;
  assert.equal(porch.length, 12);
  assert.deepEqual(Object.keys(porch[0]).sort(), ['at', 'camera', 'data', 'id', 'message', 'slug', 'type']);
  assert.equal(porch[0].slug, 'porch');
  assert.equal(porch[0].data.code, 'timeout');
  assert.equal((await get(`?camera=${web.fleet.get('porch').id}&type=camera.lost`)).events.length, 12);
  assert.deepEqual((await get('?from=2999-01-01T00:00:00Z')).events, []);
  assert.deepEqual((await get('?to=2000-01-01T00:00:00Z')).events, []);
  assert.equal((await get('?type=storage.full')).events[0].camera, null);

  const limited = { authorization: web.bearer('viewer', ['yard']) };
  const types = new Set((await get('?limit=500', limited)).events.map((event: { slug: string }) => event.slug));
  assert.deepEqual([...types], ['yard']);
  assert.equal((await get('?camera=porch', limited)).status, 404);
  for (const query of ['?cursor=nonsense', '?from=yesterday', '?limit=0', '?limit=501', '?limit=ten', '?colour=red']) {
    assert.equal((await get(query)).status, 400, query);
  }
});

test('events of a camera that is gone can still be asked for by its id', async () => {
  await using web = await serveHttp({ cameras: ['porch'] });
  const { id } = web.fleet.get('porch');
  await web.fleet.remove(id);
  const reply = await web.app.inject({ url: `/api/events?camera=${id}`, headers: { cookie: web.cookie } });
  assert.equal(reply.json().events[0].type, 'camera.removed');
});
