// Descriptions as cameras write them. Texts are our own, in the shape of what the named devices are known to send.

import assert from 'node:assert/strict';
import test from 'node:test';
import { NvrError } from '../core/nvr-error.ts';
import { controlUrl, MAX_SDP_BYTES, parseSdp } from './sdp.ts';

const parse = (...lines: string[]) => parseSdp(Buffer.from(lines.join('\r\n')));

test('a usual description', () => {
  const sdp = parse(
    ...['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=Media', 'c=IN IP4 192.0.2.9', 't=0 0', 'a=control:*'],
    ...['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=control:trackID=1'],
    'a=fmtp:96 packetization-mode=1; profile-level-id=4D001F; sprop-parameter-sets="Z00=,aO4="',
    ...[
      'm=audio 0 RTP/AVP 97',
      'a=rtpmap:97 MPEG4-GENERIC/16000/2',
      'a=fmtp:97 streamtype=5;config=1410',
      'a=recvonly',
    ],
  );
  const [video, audio] = sdp.media;
  assert.deepEqual(
    [sdp.name, sdp.control, video!.encoding, video!.clockRate, video!.control],
    ['Media', '*', 'H264', 90_000, 'trackID=1'],
  );
  assert.equal(video!.fmtp.get('sprop-parameter-sets'), 'Z00=,aO4=');
  assert.deepEqual(
    [audio!.encoding, audio!.clockRate, audio!.channels, audio!.direction],
    ['MPEG4-GENERIC', 16_000, 2, 'recvonly'],
  );
});

test('types without rtpmap mean what the static table says', () => {
  const { media } = parse('m=video 0 RTP/AVP 26', 'm=audio 0 RTP/AVP 8', 'm=audio 0 RTP/AVP 0', 'm=video 0 RTP/AVP 99');
  assert.deepEqual(
    media.map(({ encoding, clockRate }) => [encoding, clockRate]),
    [
      ['JPEG', 90_000],
      ['PCMA', 8000],
      ['PCMU', 8000],
      ['', 90_000],
    ],
  );
});

test('quirks: lower case, spaces, line feeds only, zeros at the end, lines before the first section, several types', () => {
  const { media } = parseSdp(
    Buffer.from(
      'nonsense\nm=video 0 RTP/AVP 35 96\na=rtpmap: nothing\na=rtpmap:96 h265/90000 \na=x-dimensions:2560, 1920\n\0\0',
    ),
  );
  assert.deepEqual(
    [media[0]!.encoding, media[0]!.payloadType, media[0]!.size],
    ['H265', 96, { width: 2560, height: 1920 }],
  );
});

test('what is no description, or too large, is refused', () => {
  assert.throws(() => parseSdp(Buffer.from('')), NvrError);
  assert.throws(() => parseSdp(Buffer.from('<html>')), NvrError);
  assert.throws(() => parseSdp(Buffer.alloc(MAX_SDP_BYTES + 1, 'm=video\n')), NvrError);
});

test('track addresses', () => {
  assert.equal(controlUrl('rtsp://a/b/', 'trackID=1'), 'rtsp://a/b/trackID=1');
  assert.equal(controlUrl('rtsp://a/b?x=1', 'trackID=1'), 'rtsp://a/b?x=1/trackID=1');
  assert.equal(controlUrl('rtsp://a/b', '*'), 'rtsp://a/b');
  assert.equal(controlUrl('rtsp://a/b', 'rtsp://c/d'), 'rtsp://c/d');
});
