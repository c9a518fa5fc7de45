// The pure parts of WebRTC: STUN by the vectors of RFC 5769, offers and answers, feedback, packets that are kept.

import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { isNvrError } from '../core/nvr-error.ts';
import { parseFeedback } from '../media/rtcp-feedback.ts';
import { encodeBindingSuccess, isAuthentic, parseBindingRequest } from '../media/stun.ts';
import { chooseSound, chooseVideo, encodeAnswer } from './answer.ts';
import { ownsCertificate } from './client-proof.ts';
import { KeptPackets } from './kept-packets.ts';
import { MAX_KEPT_PACKETS, MAX_RESENT_PER_SECOND } from './limits.ts';
import { parseOffer } from './offer.ts';
import { ReplayWindow } from './replay-window.ts';
import { loadSecurity } from './secure-path.ts';

const PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt';
/** RFC 5769 section 2.1. */
const REQUEST =
  '000100582112a442b7e7a701bc34d686fa87dfae80220010' +
  '5354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36' +
  '000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf';

test('STUN: a request of RFC 5769 is read, believed with its password only, and answered', () => {
  const bytes = Buffer.from(REQUEST, 'hex');
  const request = parseBindingRequest(bytes);
  assert.ok(request);
  assert.deepEqual([request.localName, request.remoteName, request.nominates], ['evtj', 'h6vY', false]);
  assert.ok(isAuthentic(request, PASSWORD));
  assert.ok(!isAuthentic(request, `${PASSWORD}x`));
  for (let length = 0; length < bytes.length; length++)
    assert.equal(parseBindingRequest(bytes.subarray(0, length)), null);
  const changed = Buffer.from(bytes);
  changed[30]! ^= 1;
  const forged = parseBindingRequest(changed);
  assert.ok(forged && !isAuthentic(forged, PASSWORD));
  const answer = Buffer.from(encodeBindingSuccess(request, { address: '192.0.2.1', port: 32853 }, PASSWORD));
  // The mapped address as in RFC 5769 section 2.2.
  assert.equal(answer.subarray(20, 32).toString('hex'), '002000080001a147e112a643');
  assert.equal(answer.readUInt16BE(2), answer.length - 20);
});

const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
const OFFER = [
  ...['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1'],
  ...['m=video 9 UDP/TLS/RTP/SAVPF 96 102 104 116', 'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901'],
  ...[`a=fingerprint:sha-256 ${fingerprint}`, 'a=setup:actpass', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux'],
  ...['a=rtpmap:96 VP8/90000', 'a=rtpmap:102 H264/90000', 'a=fmtp:102 packetization-mode=1;profile-level-id=42e01f'],
  ...['a=rtpmap:104 H264/90000', 'a=fmtp:104 packetization-mode=0;profile-level-id=64001f'],
  ...['a=rtpmap:116 H264/90000', 'a=fmtp:116 packetization-mode=1;profile-level-id=4d001f'],
  ...['m=audio 9 UDP/TLS/RTP/SAVPF 111 8', 'a=mid:1', 'a=recvonly', 'a=rtcp-mux', 'a=rtpmap:111 opus/48000/2'],
].join('\r\n');

test('an offer is answered by the profile that fits, packetization-mode 1 only', () => {
  const offer = parseOffer(OFFER);
  assert.equal(chooseVideo(offer, '4d4028').codec.payloadType, 116);
  assert.equal(chooseVideo(offer, '640028').codec.payloadType, 102, 'not the one with packetization-mode 0');
  const video = chooseVideo(offer, '42e01e');
  assert.equal(video.codec.payloadType, 102);
  assert.equal(chooseSound(offer, video.media, 'PCMA/8000')?.codec.payloadType, 8);
  assert.equal(chooseSound(offer, video.media, 'PCMU/8000'), null);
  const text = encodeAnswer({
    ...{ offer, chosen: [{ ...video, ssrc: 7 }], iceName: 'us', icePassword: 'secret', fingerprint: 'CD' },
    ...{ addresses: ['192.168.1.9'], port: 8555, cname: 'c' },
  });
  assert.match(text, /^a=ice-lite\r$/m);
  assert.match(text, /^a=group:BUNDLE 0 1\r$/m);
  // Not refused: clients that are no browsers fail over that.
  assert.match(text, /^m=audio 8555 \S+ 8\r\nc=.*\r\na=mid:1\r\na=inactive\r$/m);
  assert.match(text, /^a=rtpmap:8 PCMA\/8000\r$/m);
  assert.match(text, /^a=candidate:1 1 udp \d+ 192\.168\.1\.9 8555 typ host\r$/m);
  assert.equal(text.split('typ host').length, 2);
});

test('what cannot share the path of the pictures is refused, with a format that needs no description', () => {
  const data = ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:2', 'a=sctp-port:5000'].join('\r\n');
  const offer = parseOffer(`${OFFER.replace('BUNDLE 0 1', 'BUNDLE 0 2')}\r\n${data}`);
  const text = encodeAnswer({
    ...{ offer, chosen: [{ ...chooseVideo(offer, '42e01e'), ssrc: 7 }], iceName: 'us', icePassword: 'secret' },
    ...{ fingerprint: 'CD', addresses: ['192.168.1.9'], port: 8555, cname: 'c' },
  });
  assert.match(text, /^a=group:BUNDLE 0\r$/m);
  assert.match(text, /^m=audio 0 UDP\/TLS\/RTP\/SAVPF 0\r\nc=.*\r\na=mid:1\r\na=inactive\r$/m);
  assert.match(text, /^m=application 0 UDP\/DTLS\/SCTP webrtc-datachannel\r\nc=.*\r\na=mid:2\r\na=inactive\r$/m);
});

test('a wrong offer is told what is wrong with it', () => {
  const wrong: [string, RegExp][] = [
    ['', /v=0/],
    ['v=0', /m= line/],
    [OFFER.replace('a=ice-pwd', 'a=x'), /ice-pwd/],
    [OFFER.replace('ufrag:abcd', 'ufrag:a b'), /ice-ufrag/],
    [OFFER.replace('sha-256', 'md5'), /fingerprint/],
    [OFFER.replace('actpass', 'passive'), /setup/],
    [`v=0\n${'a=x\n'.repeat(3000)}`, /too many lines/],
    [`${OFFER}\n${'m=video 9 UDP/TLS/RTP/SAVPF 1\n'.repeat(20)}`, /too many m=/],
    [OFFER.replace('m=video 9', 'm=vi<eo 9'), /m= line 1/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(
      () => parseOffer(text),
      (error) => isNvrError(error, 'bad_input') && message.test(error.message),
      text.slice(0, 60),
    );
  }
  const none = parseOffer(OFFER.replace('a=recvonly', 'a=sendonly'));
  assert.throws(() => chooseVideo(none, '42e01e'), /asks for no video/);
});

test('feedback: key pictures, lost packets, goodbye; damaged packets end the reading', () => {
  const pli = '81ce00020000000100000002';
  const nack = '81cd0003000000010000000aFFFF8001';
  const bytes = Buffer.from(`${pli}${nack}81cb000100000001`, 'hex');
  const found = parseFeedback(bytes);
  assert.deepEqual(found, [
    { kind: 'keyWanted' },
    { kind: 'lost', ssrc: 10, sequences: [65535, 0, 15] },
    { kind: 'bye' },
  ]);
  for (let length = 0; length < bytes.length; length++) assert.ok(parseFeedback(bytes.subarray(0, length)).length < 3);
});

test('kept packets are bounded, and so is how many are sent again', () => {
  const kept = new KeptPackets();
  for (let n = 0; n < MAX_KEPT_PACKETS + 10; n++) kept.keep(n, Uint8Array.of(n & 255));
  assert.equal(kept.again(9, 0), null);
  let sent = 0;
  for (let n = 0; n < 2 * MAX_RESENT_PER_SECOND; n++) if (kept.again(100, 0)) sent++;
  assert.equal(sent, MAX_RESENT_PER_SECOND);
  assert.ok(kept.again(100, 1000));
});

test('a certificate without its key proves nothing', async () => {
  const { certificate } = await loadSecurity();
  const message = { msg_type: 1, fragment: Uint8Array.of(1), serialize: () => Uint8Array.of(1) };
  const proofBy = (key: KeyObject) => {
    const signature = sign('sha256', message.serialize(), key);
    const head = Buffer.from([4, 3, signature.length >> 8, signature.length & 255]);
    return { msg_type: 15, fragment: Buffer.concat([head, signature]), serialize: () => Uint8Array.of(2) };
  };
  const der = new X509Certificate(certificate.certPem).raw;
  const own = proofBy(createPrivateKey(certificate.privateKey));
  const other = proofBy(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  assert.equal(ownsCertificate([message, own], der), true);
  assert.equal(ownsCertificate([message, message, own], der), false, 'another handshake');
  assert.equal(ownsCertificate([message, other], der), false, 'another key');
  assert.equal(ownsCertificate([message], der), false, 'no signature');
  assert.equal(ownsCertificate([message, own], Uint8Array.of(1, 2, 3)), false, 'no certificate');
});

test('a packet that has been there before is a copy', () => {
  const window = new ReplayWindow();
  const taken = (...indexes: number[]) => indexes.map((index) => window.take(index));
  assert.deepEqual(taken(0, 1, 1, 5, 3, 3, 0), [true, true, false, true, true, false, false]);
  assert.deepEqual(taken(100, 36, 37, 37, 100), [true, false, true, false, false]);
  for (let n = 101; n < 1000; n++) assert.ok(window.take(n));
  assert.deepEqual(taken(935, 936, 999, 2 ** 31 - 1, 1000), [false, false, false, true, false]);
});
