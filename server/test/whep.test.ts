// WebRTC with werift's own peer connection as the client, without a browser: every packet, a wrong certificate, refusals.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RTCPeerConnection, RTCRtpCodecParameters, type RTCRtpReceiver } from 'werift';
import type { VideoFrame } from '../core/frame.ts';
import { MAX_SESSIONS_PER_ADDRESS } from '../webrtc-out/limits.ts';
import { skip, startCodedNvr } from './coded-world.ts';
import { type Fate, startForwarder } from './udp-forwarder.ts';

/** The type of a sequence parameter set: it stands in front of a key picture. */
const SPS = 7;

/** A client on loopback: nothing of it leaves this machine. */
const client = () =>
  new RTCPeerConnection({
    ...{ iceServers: [], iceUseIpv6: false, iceInterfaceAddresses: { udp4: '127.0.0.1' } },
    iceAdditionalHostAddresses: ['127.0.0.1'],
    codecs: {
      audio: [],
      video: [
        new RTCRtpCodecParameters({
          ...{ mimeType: 'video/H264', clockRate: 90_000, payloadType: 102 },
          rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
          parameters: 'packetization-mode=1;profile-level-id=42e01f',
        }),
      ],
    },
  });

const isRtp = (datagram: Uint8Array) => datagram[0]! >> 6 === 2 && !(datagram[1]! >= 192 && datagram[1]! <= 223);

/** What a client got: numbers in any order, some twice. */
class Received {
  receiver: RTCRtpReceiver | null = null;
  ssrc = 0;
  count = 0;
  readonly #numbers = new Set<number>();
  #hasKey = false;
  #changed = Promise.withResolvers<void>();

  constructor(peer: RTCPeerConnection) {
    peer.onTransceiverAdded.subscribe(({ receiver }) => (this.receiver = receiver));
    peer.onTrack.subscribe((track) =>
      track.onReceiveRtp.subscribe(({ header, payload }) => {
        this.ssrc = header.ssrc;
        this.count++;
        this.#numbers.add(header.sequenceNumber);
        if ((payload[0]! & 31) === SPS) this.#hasKey = true;
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      }),
    );
  }

  forget(): void {
    this.#numbers.clear();
    this.#hasKey = false;
  }

  /** So many packets without a hole. */
  async row(length: number): Promise<void> {
    const isWhole = (from: number) =>
      Array.from({ length }, (_, n) => (from + n) % 0x10000).every((n) => this.#numbers.has(n));
    while (![...this.#numbers].some(isWhole)) await this.#changed.promise;
  }

  /** A key picture. */
  async key(): Promise<void> {
    while (!this.#hasKey) await this.#changed.promise;
  }
}

test('WHEP without a browser', { skip, timeout: 60_000 }, async (t) => {
  await using world = await startCodedNvr();
  const { nvr, slug } = world;
  const path = `/cameras/${slug}/whep`;
  const post = (body: string, type = 'application/sdp') =>
    nvr.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
  const offerOf = async (peer: RTCPeerConnection) => {
    peer.addTransceiver('video', { direction: 'recvonly' });
    return (await peer.setLocalDescription(await peer.createOffer())).toSdp().sdp;
  };

  await t.test('another client gets whole pictures', async (step) => {
    const peer = client();
    const received = new Received(peer);
    const began = performance.now();
    const answer = await post(await offerOf(peer));
    assert.equal(answer.status, 201);
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    await received.row(100);
    step.diagnostic(`100 packets without a hole ${Math.round(performance.now() - began)} ms after asking`);
    assert.equal(nvr.app.webrtc.connected, 1);
    await nvr.fetch(`/cameras/${slug}/${answer.headers.get('location')}`, { method: 'DELETE' });
    assert.equal(nvr.app.webrtc.sessions, 0);
    await peer.close();
  });

  await t.test('lost packets come again; a lost picture is replaced before the camera’s next one', async (step) => {
    /** Numbers that have been on the way once. */
    const seen = new Set<number>();
    let again = 0;
    let isDark = false;
    const { port } = (await nvr.ok<{ webrtc: { port: number } }>('GET', '/api/outputs')).webrtc;
    await using forwarder = await startForwarder(port, (datagram): Fate => {
      const number = isRtp(datagram) ? new DataView(datagram.buffer, datagram.byteOffset).getUint16(2) : null;
      if (number === null) return 'now';
      if (isDark) return 'never';
      const isNew = !seen.has(number);
      seen.add(number);
      if (!isNew) again++;
      if (isNew && number % 10 === 0) return 'never';
      return number % 7 === 0 ? 'next' : 'now';
    });
    const peer = client();
    const received = new Received(peer);
    const answer = await post(await offerOf(peer));
    const sdp = (await answer.text()).replaceAll(`${port}`, `${forwarder.port}`);
    await peer.setRemoteDescription({ type: 'answer', sdp });
    await received.row(100);
    assert.ok(again >= 10, `${again} packets came again`);

    isDark = true;
    const before = received.count;
    const { hub } = nvr.app.fleet.get(slug);
    using own = hub.open({ kinds: 'video', policy: 'every', start: 'live' });
    // The camera's next one is a while away.
    while (!(own.poll()?.frame as VideoFrame | undefined)?.key) await own.wait();
    isDark = false;
    received.forget();
    await received.receiver!.sendRtcpPLI(received.ssrc);
    await received.key();
    let ownKeys = 0;
    for (let item = own.poll(); item; item = own.poll()) if (item.frame.kind === 'video' && item.frame.key) ownKeys++;
    await received.row(60);
    step.diagnostic(`${again} packets came again; ${before} packets before the dark, ${received.count} in all`);
    assert.equal(ownKeys, 0, 'the key picture is one of before, sent again');
    assert.ok(nvr.app.webrtc.end(nvr.app.fleet.get(slug).id, answer.headers.get('location')!.replace('whep/', '')));
    await peer.close();
  });

  await t.test('whose certificate is another than the offer says gets nothing', async () => {
    const peer = client();
    const sdp = await offerOf(peer);
    const answer = await post(sdp.replaceAll(/(sha-256 )../g, (_all, head: string) => `${head}00`));
    assert.equal(answer.status, 201);
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    const end = performance.now() + 20_000;
    while (nvr.app.webrtc.sessions > 0) {
      assert.equal(nvr.app.webrtc.connected, 0);
      assert.ok(performance.now() < end, 'the session ends');
      await new Promise((done) => setTimeout(done, 20));
    }
    await peer.close();
  });

  await t.test('who has too many sessions is told so, and each ends by its own address', async () => {
    const peer = client();
    const sdp = await offerOf(peer);
    await peer.close();
    const { hub } = nvr.app.fleet.get(slug);
    const readers = hub.readers;
    const answers = await Promise.all(Array.from({ length: MAX_SESSIONS_PER_ADDRESS }, () => post(sdp)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    const refused = await post(sdp);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '5']);
    assert.match(await refused.text(), /Too many WebRTC sessions are open/);
    const end = async (answer: Response) =>
      (await nvr.fetch(`/cameras/${slug}/${answer.headers.get('location')}`, { method: 'DELETE' })).status;
    assert.equal(await end(answers[0]!), 204);
    const next = await post(sdp);
    assert.equal(next.status, 201);
    await Promise.all([...answers.slice(1), next].map(end));
    assert.deepEqual([nvr.app.webrtc.sessions, hub.viewers, hub.readers], [0, 0, readers]);
  });

  await t.test('refusals', async () => {
    const peer = client();
    const sdp = await offerOf(peer);
    await peer.close();
    const status = async (reply: Promise<Response>) => (await reply).status;
    assert.equal(await status(post('v=0')), 400);
    assert.equal(await status(post(sdp.replaceAll('H264', 'VP8'))), 400);
    assert.equal(await status(post('{}', 'application/json')), 415);
    assert.equal(await status(post('v=0', 'text/plain')), 415);
    assert.equal(await status(post('x'.repeat(100_000))), 413);
    assert.equal(
      await status(
        nvr.fetch('/cameras/none/whep', { method: 'POST', body: sdp, headers: { 'content-type': 'application/sdp' } }),
      ),
      404,
    );
    const preflight = await fetch(`${nvr.url}${path}`, { method: 'OPTIONS' });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Content-Type/);
    assert.equal(await status(fetch(`${nvr.url}${path}`, { method: 'POST', body: sdp })), 401);
    assert.equal(nvr.app.webrtc.sessions, 0);
  });

  await t.test('B-frames are refused with a sentence that says what to do', async () => {
    const peer = client();
    const sdp = await offerOf(peer);
    const { hub } = nvr.app.fleet.get(slug);
    const { frame } = hub.newestVideo!;
    hub.publish({ ...frame, key: false, mediaMs: frame.mediaMs! - 100 });
    const refused = await post(sdp);
    assert.equal(refused.status, 406);
    assert.match(await refused.text(), /H\.264 with B-frames.*Baseline/);
    await peer.close();
  });
});
