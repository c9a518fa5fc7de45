// Hostile offers: read and answered, or refused with a sentence; an answer holds no line that somebody else wrote.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../test/mutated-inputs.ts';
import { chooseSound, chooseVideo, encodeAnswer } from './answer.ts';
import { MAX_OFFER_MEDIA } from './limits.ts';
import { parseOffer } from './offer.ts';

const CHECKS = Array.from({ length: 32 }, () => 'AB').join(':');
const OFFERS = [
  [
    ...['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1 2'],
    ...['m=video 9 UDP/TLS/RTP/SAVPF 96 102', 'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901'],
    ...[`a=fingerprint:sha-256 ${CHECKS}`, 'a=setup:actpass', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux'],
    ...['a=rtpmap:102 H264/90000', 'a=fmtp:102 packetization-mode=1;profile-level-id=42e01f'],
    ...['m=audio 9 UDP/TLS/RTP/SAVPF 111 8', 'a=mid:1', 'a=recvonly', 'a=rtcp-mux', 'a=rtpmap:111 opus/48000/2'],
    ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:2', 'a=sctp-port:5000'],
  ].join('\r\n'),
  'v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:x\n',
];
/** All that an answer may consist of, whatever the offer was. */
const LINE =
  /^(v=0|o=- \d+ 1 IN IP4 127\.0\.0\.1|s=-|t=0 0|c=IN IP4 [\d.]+|m=[!-~]{1,64} \d+ [\w/]{1,40}( [!-~]{1,64})+|a=[!-~][ -~]*)$/;

test('offers', () => {
  let answered = 0;
  const refused = fuzz(OFFERS, (bytes) => {
    const offer = parseOffer(bytes.toString());
    assert.ok(offer.media.length <= MAX_OFFER_MEDIA);
    const video = chooseVideo(offer, '42e01e');
    const sound = chooseSound(offer, video.media, 'PCMA/8000');
    const chosen = [{ ...video, ssrc: 7 }, ...(sound ? [{ ...sound, ssrc: 8 }] : [])];
    const answer = encodeAnswer({
      ...{ offer, chosen, iceName: 'us', icePassword: 'secret', fingerprint: 'CD' },
      ...{ addresses: ['192.0.2.1'], port: 8555, cname: 'c' },
    });
    answered++;
    const lines = answer.split('\r\n').slice(0, -1);
    for (const line of lines) assert.match(line, LINE);
    assert.equal(lines.filter((line) => line.startsWith('m=')).length, offer.media.length);
  });
  assert.ok(answered > 0 && refused > 0, `${answered} answered, ${refused} refused`);
});
