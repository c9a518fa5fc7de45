// WebRTC with werift's own peer connection as the client, without a browser: every packet, a wrong certificate, refusals.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { skip, startCodedNvr } from './coded-world.ts';

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
    /** Numbers in any order, some twice: what came late was asked for again. */
    const numbers = new Set<number>();
    const enough = Promise.withResolvers<void>();
    peer.onTrack.subscribe((track) =>
      track.onReceiveRtp.subscribe(({ header }) => {
        numbers.add(header.sequenceNumber);
        const hasNoHole = [...numbers].some((from) =>
          [...Array(100).keys()].every((n) => numbers.has((from + n) % 0x10000)),
        );
        if (hasNoHole) enough.resolve();
      }),
    );
    const began = performance.now();
    const answer = await post(await offerOf(peer));
    assert.equal(answer.status, 201);
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    await enough.promise;
    step.diagnostic(`100 packets without a hole ${Math.round(performance.now() - began)} ms after asking`);
    assert.equal(nvr.app.webrtc.connected, 1);
    await nvr.fetch(`/cameras/${slug}/${answer.headers.get('location')}`, { method: 'DELETE' });
    assert.equal(nvr.app.webrtc.sessions, 0);
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
});
