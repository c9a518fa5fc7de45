// Where Perch connects: whatever a user, a name server or a camera says. Through the whole app, for every driver, with
// everything written down that leaves it.

import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type TestContext, test } from 'node:test';
import type { ByteStream } from '../net/stream.ts';
import { systemNet } from '../net/system-net.ts';
import { freshHost, startNvr } from './harness.ts';
import { watchedNet } from './watched-net.ts';

type Settings = Record<string, unknown>;
/** So many addresses are tried at every route. */
const EVERYWHERE = 3;
const METADATA = '169.254.169.254';
const SECRET = 'PLANTED-password';
/** Without Perch's own listeners on the watched net: what is seen there is meant for cameras. */
const config = { rtspPort: null, webrtcPort: null };

/** Settings of each driver with one place for an address; a new driver has to be added here. */
const drivers: Readonly<Record<string, (where: string) => Settings>> = {
  iwfcam: (where) => ({ host: where }),
  'dahua-p2p': (where) => ({ serial: '4A00000PAG00001', server: where }),
  rtsp: (where) => ({ url: where }),
  'http-mjpeg': (where) => ({ url: where }),
  'http-snapshot': (where) => ({ url: where }),
};
/** How an address is written for a driver. */
const written = (driver: string, host: string, port?: number) => {
  const scheme = { rtsp: 'rtsp', 'http-mjpeg': 'http', 'http-snapshot': 'http' }[driver];
  if (scheme) return `${scheme}://${host}${port ? `:${port}` : ''}/x`;
  return driver === 'dahua-p2p' && port ? `${host}:${port}` : host;
};

/** Counts the processes that this one starts from now on. */
function watchProcesses(context: TestContext): { started: number } {
  const watch = { started: 0 };
  const count = () => {
    watch.started++;
  };
  subscribe('child_process', count);
  context.after(() => unsubscribe('child_process', count));
  return watch;
}

const refusedUrls = [
  ...['file:///etc/passwd', 'concat:rtsp://a|b', 'pipe:0', 'data:,x', 'ftp://10.0.0.1/x', 'tcp://10.0.0.1:80'],
  ...[
    'udp://10.0.0.1:1',
    'gopher://10.0.0.1/',
    'rtmp://10.0.0.1/x',
    'srt://10.0.0.1',
    'subfile:,,start,0,end,0,,:/etc',
  ],
  ...['-i', '-version', 'javascript:alert(1)', '//10.0.0.1/x', '/etc/passwd', '../../etc/passwd', 'http:10.0.0.1'],
  ...['lavfi:testsrc', 'x11grab:', 'http://a b/', 'http://a\r\nX: y/', 'rtsp://[::ffff:169.254.169.254]/x'],
  ...['http://2852039166/', 'http://0xa9fea9fe/', 'http://0251.0376.0251.0376/', 'http://169.254.43518/', 'rtsp://0/x'],
];

test('what is no address of a camera is refused by every driver, field and route before anything is started', async (context) => {
  const watched = watchedNet();
  await using nvr = await startNvr({ net: watched.net, config });
  const known = (await nvr.ok<{ id: string }[]>('GET', '/api/drivers')).map(({ id }) => id);
  assert.deepEqual(
    known.filter((id) => !drivers[id]),
    [],
    'a driver that this test does not know: add it',
  );
  const processes = watchProcesses(context);
  for (const driver of known) {
    const good = drivers[driver]!(written(driver, 'camera.lan'));
    const slug = `own-${driver}`;
    const camera = { name: slug, slug, driver, settings: good, enabled: false };
    await nvr.ok('POST', '/api/cameras', camera);
    const urls = [...refusedUrls, written(driver, METADATA), written(driver, '0xa9fea9fe')];
    for (const [n, url] of urls.entries()) {
      if (driver === 'dahua-p2p' && /^[\w.]+(:\d+)?$/.test(url)) continue; // a host and a port: checked when it resolves
      const settings = drivers[driver]!(url);
      const attempts: [string, string, object][] = [
        ['POST', '/api/cameras', { name: 'x', driver, settings, enabled: true }],
        ['POST', '/api/cameras/test', { driver, settings }],
        ['PATCH', `/api/cameras/${slug}`, { settings, enabled: true }],
        ['PATCH', `/api/cameras/${slug}`, { subSource: { driver, settings } }],
      ];
      // All routes for the first ones, then in turn: they share the check.
      const chosen = n < EVERYWHERE ? attempts : [attempts[n % attempts.length]!];
      for (const [method, path, body] of chosen) {
        const reply = await nvr.api(method, path, body);
        assert.equal(reply.status, 400, `${method} ${path} ${JSON.stringify(settings)}: ${JSON.stringify(reply.body)}`);
        assert.match((reply.body as { detail: string }).detail, /url|host|server/);
      }
    }
  }
  assert.deepEqual([watched.sockets, watched.resolved, processes.started], [0, [], 0]);
});

test('metadata services and Perch itself: by address, by name, by a name that changes its mind; no driver goes there', async () => {
  const names = {
    'metadata.test': [METADATA],
    'ecs.test': ['100.100.100.200'],
    'flips.test': ['127.0.0.99', METADATA],
  };
  const watched = watchedNet({ ...names, 'me.test': ['127.0.0.1'], 'group.test': ['224.0.0.1'] });
  await using nvr = await startNvr({ net: watched.net, config });
  const tried = async (driver: string, where: string, port?: number) => {
    const settings = drivers[driver]!(written(driver, where, port));
    const reply = await nvr.api('POST', '/api/cameras/test', { driver, settings });
    assert.ok(reply.status === 400 || (reply.body as { ok: boolean }).ok === false, `${driver} ${where}`);
    return JSON.stringify(reply.body);
  };
  for (const driver of Object.keys(drivers)) {
    for (const where of [METADATA, 'metadata.test', 'ecs.test', '100.100.100.200'])
      assert.match(await tried(driver, where), /cloud provider|no camera/, `${driver} ${where}`);
    if (!/url/.test(JSON.stringify(drivers[driver]!('')))) continue; // UDP: Perch's ports are TCP
    assert.match(await tried(driver, 'group.test'), /no camera has/);
    for (const where of ['127.0.0.1', '127.0.0.77', 'localhost', 'me.test'])
      assert.match(await tried(driver, where, nvr.port), /Perch itself/, `${driver} ${where}`);
  }
  assert.deepEqual(watched.sent, []);
  // Checked and dialled are one look-up: the second answer of the name is never used.
  for (const driver of ['rtsp', 'http-mjpeg', 'http-snapshot']) {
    const before = watched.resolved.length;
    const { net, sent, resolved } = watchedNet({ 'flips.test': names['flips.test'] });
    await using one = await startNvr({ net, config });
    await one.api('POST', '/api/cameras/test', {
      driver,
      settings: drivers[driver]!(written(driver, 'flips.test', 9)),
    });
    assert.deepEqual([sent, resolved, watched.resolved.length - before], [['tcp 127.0.0.99:9'], ['flips.test'], 0]);
  }
});

/** A camera that answers each request as told, and what it heard. */
async function hostile(context: TestContext, answer: (request: string, stream: ByteStream) => void) {
  const heard: string[] = [];
  const listener = await systemNet.streams.listen({ address: freshHost(), port: 0 }, (stream) => {
    stream.onBytes((bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      heard.push(text);
      answer(text, stream);
    });
  });
  context.after(() => listener.close());
  return { heard, at: `${listener.local.address}:${listener.local.port}` };
}

test('what a camera answers leads nowhere: RTSP 302, SDP, playlists, redirects; and never takes the password along', async (context) => {
  const trap = await hostile(context, (_, stream) => void stream.close());
  const watched = watchedNet({ 'metadata.test': [METADATA] });
  const processes = watchProcesses(context);
  await using nvr = await startNvr({ net: watched.net, config });
  const cseq = (request: string) => `CSeq: ${/CSeq: (\d+)/.exec(request)?.[1] ?? 0}\r\n`;
  const rtsp = (lines: string) => (request: string, stream: ByteStream) =>
    stream.write(`RTSP/1.0 ${lines.replace('\r\n', `\r\n${cseq(request)}`)}`);
  const [trapHost = '', trapPort = ''] = trap.at.split(':');
  const sdp = [
    ...['v=0', `o=- 0 0 IN IP4 ${trapHost}`, `c=IN IP4 ${trapHost}`, `a=control:rtsp://${trap.at}/all`],
    ...[`m=video ${trapPort} RTP/AVP 26`, `a=control:rtsp://${trap.at}/track`, ''],
  ].join('\r\n');
  const described = (request: string, stream: ByteStream) => {
    if (request.startsWith('DESCRIBE')) {
      const head = `RTSP/1.0 200 OK\r\n${cseq(request)}Content-Base: rtsp://${trap.at}/\r\nContent-Type: application/sdp\r\n`;
      stream.write(`${head}Content-Length: ${sdp.length}\r\n\r\n${sdp}`);
    } else {
      const asked = /Transport: (.*)\r/.exec(request)?.[1];
      const more = asked ? `Transport: ${asked};source=${trapHost};server_port=${trapPort}-${trapPort}\r\n` : '';
      stream.write(`RTSP/1.0 200 OK\r\n${cseq(request)}Session: 1\r\n${more}\r\n`);
      if (request.startsWith('PLAY')) void stream.close();
    }
  };
  const playlist = `#EXTM3U\n#EXTINF:1,\nhttp://${trap.at}/a.ts\n#EXTINF:1,\nfile:///etc/passwd\n`;
  const http =
    (head: string, body = '') =>
    (_: string, stream: ByteStream) => {
      stream.write(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      void stream.close();
    };
  const redirect = (to: string) => http(`302 Found\r\nLocation: ${to}`);
  const attacks: [string, string, (request: string, stream: ByteStream) => void, Settings?][] = [
    ['rtsp', 'a 302', rtsp(`302 Moved\r\nLocation: rtsp://${trap.at}/x\r\n\r\n`)],
    ['rtsp', 'a 305', rtsp(`305 Proxy\r\nLocation: rtsp://${trap.at}/x\r\n\r\n`)],
    ['rtsp', 'a description of another host', described],
    ['rtsp', 'a description of another host, UDP', described, { transport: 'udp' }],
    ...['http-mjpeg', 'http-snapshot'].flatMap((driver): typeof attacks => [
      [
        driver,
        'a playlist as a stream',
        http('200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x', playlist),
      ],
      [driver, 'a playlist as a picture', http('200 OK\r\nContent-Type: image/jpeg', playlist)],
      [driver, 'a playlist', http('200 OK\r\nContent-Type: application/vnd.apple.mpegurl', playlist)],
      [driver, 'a Refresh header', http(`200 OK\r\nContent-Type: text/html\r\nRefresh: 0; url=http://${trap.at}/`)],
      [driver, 'a redirect to metadata', redirect(`http://${METADATA}/latest`)],
      [driver, 'a redirect to a name of it', redirect('http://metadata.test/latest')],
      [driver, 'a redirect to a number', redirect('http://2852039166/latest')],
      [driver, 'a redirect to Perch', redirect(`http://127.0.0.1:${nvr.port}/healthz`)],
      [driver, 'a redirect to a file', redirect('file:///etc/passwd')],
    ]),
  ];
  for (const [driver, name, answer, more] of attacks) {
    const camera = await hostile(context, answer);
    watched.sent.length = 0;
    const settings = { url: written(driver, camera.at), username: 'admin', password: SECRET, ...more };
    const reply = await nvr.ok('POST', '/api/cameras/test', { driver, settings });
    assert.equal(reply.ok, false, `${driver}: ${name}`);
    assert.doesNotMatch(JSON.stringify(reply), new RegExp(SECRET));
    assert.ok(camera.heard.length > 0, `${driver}: ${name} was asked`);
    const elsewhere = watched.sent.filter((line) => !line.includes(camera.at.split(':')[0]!));
    assert.deepEqual(elsewhere, [], `${driver}: ${name}`);
  }
  assert.deepEqual(trap.heard, []);
  // Where a redirect is followed, on another camera's address, it goes without the password.
  const challenge = http(`401 No\r\nWWW-Authenticate: Basic realm="x"`);
  const other = await hostile(context, challenge);
  const sender = await hostile(context, redirect(`http://${other.at}/x`));
  const settings = { url: `http://${sender.at}/x`, username: 'admin', password: SECRET };
  await nvr.ok('POST', '/api/cameras/test', { driver: 'http-mjpeg', settings });
  assert.ok(other.heard.length > 0);
  for (const request of other.heard) assert.doesNotMatch(request, /authorization/i);
  assert.equal(processes.started, 0);
});

test('what an ONVIF device answers leads nowhere: XAddr, stream addresses, redirects, entities', async (context) => {
  const trap = await hostile(context, (_, stream) => void stream.close());
  const watched = watchedNet();
  await using nvr = await startNvr({ net: watched.net, config });
  const soap = (body: string) =>
    `<?xml version="1.0"?><E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope"><E:Body>${body}</E:Body></E:Envelope>`;
  const reply = (text: string) =>
    `HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  const media = (address: string) =>
    `<Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>${address}</XAddr></Service>`;
  const profiles = `<Profiles token="p"><Name>Main</Name><VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>480</Height></Resolution></VideoEncoderConfiguration></Profiles>`;
  const device = (services: string, uri: string) => (request: string, stream: ByteStream) => {
    const answers: [RegExp, string][] = [
      [/GetServices\b/, `<GetServicesResponse>${services}</GetServicesResponse>`],
      [/GetProfiles\b/, `<GetProfilesResponse>${profiles}</GetProfilesResponse>`],
      [/GetStreamUri\b/, `<GetStreamUriResponse><MediaUri><Uri>${uri}</Uri></MediaUri></GetStreamUriResponse>`],
    ];
    if (!request.includes('Envelope')) return; // the head alone
    const text = answers.find(([what]) => what.test(request))?.[1] ?? '<Other/>';
    stream.write(reply(soap(text.replace('SELF', `${stream.local.address}:${stream.local.port}`))));
    void stream.close();
  };
  const bomb = `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(100)}"><!ENTITY b SYSTEM "http://${trap.at}/x">]>${soap('&b;&a;')}`;
  const raw = (text: string) => (_: string, stream: ByteStream) => {
    stream.write(text);
    void stream.close();
  };
  const attacks: [string, (request: string, stream: ByteStream) => void][] = [
    ['XAddr', device(media(`http://${trap.at}/onvif/media`), `rtsp://${trap.at}/x`)],
    ['stream addresses', device(media('http://SELF/media'), `rtsp://${trap.at}/x`)],
    ['XAddr of metadata', device(media(`http://${METADATA}/latest`), `rtsp://${METADATA}/x`)],
    ['a file', device(media('file:///etc/passwd'), 'file:///etc/passwd')],
    ['a redirect', raw(`HTTP/1.1 307 Moved\r\nLocation: http://${trap.at}/onvif\r\nContent-Length: 0\r\n\r\n`)],
    ['entities', raw(reply(bomb))],
    ['a deep tree', raw(reply(soap('<a>'.repeat(5000) + '</a>'.repeat(5000))))],
  ];
  for (const [name, answer] of attacks) {
    const camera = await hostile(context, answer);
    watched.sent.length = 0;
    const body = { url: `http://${camera.at}/onvif/device_service`, username: 'admin', password: SECRET };
    const { status, body: found } = await nvr.api('POST', '/api/drivers/onvif/profiles', body);
    assert.ok(status < 500 && camera.heard.length > 0, `${name}: ${status} ${JSON.stringify(found)}`);
    const elsewhere = watched.sent.filter((line) => !line.includes(camera.at.split(':')[0]!));
    assert.deepEqual(elsewhere, [], name);
    assert.doesNotMatch(
      JSON.stringify(found),
      new RegExp(`${trap.at.split(':')[0]}|${METADATA}|passwd|${SECRET}`),
      name,
    );
  }
  assert.deepEqual(trap.heard, []);
  for (const url of [`http://${METADATA}/onvif`, 'file:///etc/passwd', `http://127.0.0.1:${nvr.port}/onvif`]) {
    watched.sent.length = 0;
    const { status, body } = await nvr.api('POST', '/api/drivers/onvif/profiles', { url });
    assert.ok(status === 400 || (body as { ok: boolean }).ok === false, url);
    assert.deepEqual(watched.sent, [], url);
  }
});

test('a stored password never follows a changed host, driver or sub source, by any request', async () => {
  const watched = watchedNet();
  await using nvr = await startNvr({ net: watched.net, config });
  const all = await nvr.ok<{ id: string; settingsSchema: { properties: Settings } }[]>('GET', '/api/drivers');
  let tried = 0;
  for (const { id: driver, settingsSchema } of all) {
    const [before, after] = ['camera.lan', 'elsewhere.lan'].map((host) => drivers[driver]!(written(driver, host)));
    const person = 'username' in settingsSchema.properties ? { username: 'admin' } : {};
    const settings = { ...before, ...person, password: SECRET };
    const slug = `own-${driver}`;
    const sub = { driver, settings };
    await nvr.ok('POST', '/api/cameras', { name: slug, slug, driver, settings, enabled: false, subSource: sub });
    const holds = () => JSON.stringify(nvr.app.fleet.get(slug).config).split(SECRET).length - 1;
    assert.equal(holds(), 2);
    const masked = { ...after, ...person, password: '********' };
    const others = all.filter((other) => other.id !== driver && other.id !== 'iwfcam').map((other) => other.id);
    for (const [method, path, body] of [
      ['PATCH', `/api/cameras/${slug}`, { settings: masked }],
      ['PATCH', `/api/cameras/${slug}`, { settings: after }],
      ['PATCH', `/api/cameras/${slug}`, { subSource: { driver, settings: masked } }],
      ['PATCH', `/api/cameras/${slug}`, { subSource: { driver, settings: after } }],
      ['POST', '/api/cameras/test', { driver, settings: masked, camera: slug }],
      ['POST', '/api/cameras', { name: 'new', driver, settings: masked, enabled: false }],
      ...others.map(
        (other) =>
          [
            'PATCH',
            `/api/cameras/${slug}`,
            { driver: other, settings: { ...drivers[other]!(written(other, 'elsewhere.lan')), password: '********' } },
          ] as const,
      ),
    ] as const) {
      const reply = await nvr.api(method, path, body);
      tried++;
      assert.equal(reply.status, 400, `${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(reply.body)}`);
      assert.match((reply.body as { detail: string }).detail, /password/);
    }
    assert.equal(holds(), 2, 'and the stored one is still there');
    await nvr.ok('PATCH', `/api/cameras/${slug}`, { settings: { ...after, password: null }, subSource: null });
    assert.equal(holds(), 0);
  }
  assert.ok(tried > 30);
  assert.equal(watched.sockets, 0);
});
