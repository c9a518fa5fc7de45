// Hostile bytes for every parser and depacketizer of the network streams: nothing but an NvrError comes out, memory stays
// flat, nothing held grows beyond its bound. The same seed gives the same inputs.

import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCameraUrl, separateCredentials } from '../net/camera-url.ts';
import { parseChallenges } from '../net/http-auth.ts';
import { HttpResponseParser } from '../net/http-response.ts';
import { fuzz } from '../test/mutated-inputs.ts';
import { parseAacConfig } from './aac.ts';
import { AacDepacketizer } from './aac-depacketizer.ts';
import { h264PpsId, parseH264Sps } from './h264.ts';
import { createH264Depacketizer } from './h264-depacketizer.ts';
import { h265SetId, parseH265Sps } from './h265.ts';
import { createH265Depacketizer } from './h265-depacketizer.ts';
import { JpegDepacketizer } from './jpeg-rtp-depacketizer.ts';
import { MultipartReader } from './multipart.ts';
import { MAX_ACCESS_UNIT_BYTES, splitStartCodes, splitUnits } from './nal.ts';
import { parseFeedback } from './rtcp-feedback.ts';
import { encodeRtp, parseRtcp, parseRtp } from './rtp.ts';
import type { Depacketizer, RtpFrame } from './rtp-depacketizer.ts';
import { RtpOrder } from './rtp-order.ts';
import { parseRtpInfo, parseSession, parseTransport, RtspParser } from './rtsp.ts';
import { parseSdp } from './sdp.ts';
import { encodeBindingSuccess, isAuthentic, parseBindingRequest } from './stun.ts';

const reply = 'RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 12;timeout=60\r\nContent-Length: 4\r\n\r\nv=0\n';
const interleaved = Buffer.concat([Buffer.from([0x24, 0, 0, 14]), Buffer.alloc(14, 0x80), Buffer.from(reply)]);

test('RTSP messages', () => {
  fuzz([reply, interleaved, 'OPTIONS * RTSP/1.0\nCSeq: 1\n\n'], (bytes, random) => {
    const parser = new RtspParser({ message() {}, data() {} });
    const cut = Math.floor(random() * bytes.length);
    parser.push(bytes.subarray(0, cut));
    parser.push(bytes.subarray(cut));
    assert.ok(parser.heldBytes <= 70_000);
  });
});

test('one RTSP parser for all inputs, as on one long connection', () => {
  let parser = new RtspParser({ message() {}, data() {} });
  fuzz([reply, interleaved], (bytes) => {
    try {
      parser.push(bytes);
      assert.ok(parser.heldBytes <= 90_000, `${parser.heldBytes}`);
    } catch (error) {
      parser = new RtspParser({ message() {}, data() {} });
      throw error;
    }
  });
});

test('session descriptions and header values', () => {
  const sdp =
    'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\na=control:*\r\nm=video 0 RTP/AVP 96 26\r\na=rtpmap:96 H264/90000\r\n' +
    'a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM4PyA==\r\na=x-dimensions:640,480\r\na=control:t1\r\n' +
    'm=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\na=fmtp:97 config=1408;sizelength=13;indexlength=3\r\n';
  fuzz([sdp], (bytes) => {
    const parsed = parseSdp(bytes);
    for (const { encoding, fmtp } of parsed.media) {
      if (encoding === 'H264') createH264Depacketizer(fmtp, { frame() {}, drop() {} });
      else AacDepacketizer.create(fmtp, { frame() {}, drop() {} });
    }
  });
  const values = [
    'RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=ab',
    '12;timeout=60',
    'url=rtsp://a/b;seq=1;rtptime=5,url=c',
    'Digest realm="x", nonce="y", qop="auth"',
    'rtsp://a:b@c:1/x?user=a&password=b',
  ];
  fuzz(values, (bytes) => {
    const text = bytes.toString('latin1');
    parseTransport(text);
    parseSession(text);
    parseRtpInfo(text);
    parseChallenges(text);
    parseCameraUrl(separateCredentials(text).url, ['rtsp']);
  });
});

test('parameter sets and NAL units', () => {
  const h264 = '6742c01eda0280bfe5c044000003000400000300ca3c58ba80';
  const h265 = '42010101600000030090000003000003005aa00280816965b9a4932bc05a020000030002000003003c10';
  fuzz([Buffer.from(h264, 'hex'), Buffer.from(h265, 'hex'), Buffer.from('68ce0fc8', 'hex')], (bytes) => {
    parseH264Sps(bytes);
    parseH265Sps(bytes);
    if (bytes.length > 1) {
      h264PpsId(bytes);
      h265SetId(bytes);
    }
    parseAacConfig(bytes);
    splitStartCodes(bytes);
    splitUnits(bytes);
  });
});

/** A track of random packets: right and wrong numbers, times, markers, sizes. */
function fuzzTrack(depacketizer: Depacketizer, examples: readonly Buffer[], frames: RtpFrame[]): void {
  let sequence = 0;
  let timestamp = 0;
  const order = new RtpOrder(16, (packet, lost) => depacketizer.push(packet, lost));
  fuzz(examples, (payload, random) => {
    sequence = (sequence + (random() < 0.95 ? 1 : Math.floor(random() * 100))) & 0xffff;
    if (random() < 0.3) timestamp = (timestamp + 3600) >>> 0;
    const bytes = encodeRtp({
      payloadType: 96,
      marker: random() < 0.3,
      sequence,
      timestamp,
      ssrc: random() < 0.001 ? 2 : 1,
      payload,
    });
    if (random() < 0.01) bytes[0] = Math.floor(random() * 256);
    const packet = parseRtp(bytes);
    if (packet) order.push(packet);
    parseRtcp(bytes);
    assert.ok(depacketizer.heldBytes <= MAX_ACCESS_UNIT_BYTES * 2 + 2048);
    frames.length = Math.min(frames.length, 10);
  });
}

test('H.264 packets', () => {
  const frames: RtpFrame[] = [];
  const output = { frame: (frame: RtpFrame) => void frames.push(frame), drop() {} };
  const sets = new Map([['sprop-parameter-sets', 'Z0LAHtoCgL/lwEQAAAMABAAAAwDKPFi6gA==,aM4PyA==']]);
  const hex = [
    '65b8000411ffff',
    '7c85b80004',
    '7c05b80004',
    '7c45b80004',
    '41e2fffff',
    '780004674200aa000268ce',
    '0000000165b80000000141e2',
  ];
  fuzzTrack(
    createH264Depacketizer(sets, output),
    hex.map((each) => Buffer.from(each, 'hex')),
    frames,
  );
  assert.ok(frames.length > 0, 'some of it was whole');
});

test('H.265 packets', () => {
  const frames: RtpFrame[] = [];
  const output = { frame: (frame: RtpFrame) => void frames.push(frame), drop() {} };
  const hex = [
    '2601af08',
    '620193af08',
    '620113af08',
    '620153af08',
    '0201d00a',
    '6001000542010101600003440101',
    '40010c01ffff',
    '4401c172b46240',
  ];
  fuzzTrack(
    createH265Depacketizer(new Map(), output),
    hex.map((each) => Buffer.from(each, 'hex')),
    frames,
  );
});

test('JPEG packets', () => {
  const frames: RtpFrame[] = [];
  const output = { frame: (frame: RtpFrame) => void frames.push(frame), drop() {} };
  const hex = [
    `00000000013c2820${'ab'.repeat(40)}`,
    `0000002801ff2820${'ab'.repeat(40)}`,
    `0000000001ff282000000080${'10'.repeat(140)}`,
    `00000000413c28200004ffff${'ab'.repeat(30)}`,
  ];
  fuzzTrack(
    new JpegDepacketizer(output, null),
    hex.map((each) => Buffer.from(each, 'hex')),
    frames,
  );
});

test('AAC packets', () => {
  const frames: RtpFrame[] = [];
  const output = { frame: (frame: RtpFrame) => void frames.push(frame), drop() {} };
  const depacketizer = AacDepacketizer.create(new Map([['config', '1408']]), output)!;
  const hex = ['00100020deadbeef', '002000180018aabbccddeeff', '00100400aabbcc', '0010ffffaabbcc'];
  fuzzTrack(
    depacketizer,
    hex.map((each) => Buffer.from(each, 'hex')),
    frames,
  );
  assert.ok(frames.length > 0);
});

test('HTTP responses', () => {
  const examples = [
    'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n',
    'ICY 200 OK\nA: b\n\nxyz',
  ];
  fuzz(examples, (bytes, random) => {
    const parser = new HttpResponseParser({ head() {}, body() {}, end() {} });
    const cut = Math.floor(random() * bytes.length);
    parser.push(bytes.subarray(0, cut));
    parser.push(bytes.subarray(cut));
    parser.finish();
  });
});

test('MJPEG streams, one reader for all inputs', () => {
  const jpeg = Buffer.from('ffd8ffe00004aabbffdb00041122ffc0000401ffffda0004010203ff00ffd055ffd9', 'hex');
  const head = Buffer.from('--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 33\r\n\r\n');
  let pictures = 0;
  let reader = new MultipartReader({ picture: () => pictures++, damaged() {} });
  fuzz([Buffer.concat([head, jpeg, Buffer.from('\r\n')]), jpeg, head], (bytes) => {
    try {
      reader.push(bytes);
      assert.ok(reader.heldBytes < 4 << 20);
    } catch (error) {
      reader = new MultipartReader({ picture: () => pictures++, damaged() {} });
      throw error;
    }
  });
  // A wrong length may swallow 64 kB; behind it every picture is there again.
  const before = pictures;
  for (let n = 0; n < 4000; n++) reader.push(Buffer.concat([head, jpeg]));
  assert.ok(pictures - before >= 2000, `${pictures - before} pictures after ${before}`);
});

test('STUN requests: read or not, believed only when whole, answered in a bounded length', () => {
  // RFC 5769 section 2.1.
  const request =
    '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36' +
    '000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf';
  const nominating = '000100282112a442b7e7a701bc34d686fa87dfae0006000361 3a62000025000000080014'.replace(' ', '');
  const whole = Buffer.from(request, 'hex');
  const examples = [whole, Buffer.from(`${nominating}${'9a'.repeat(20)}`, 'hex')];
  const from = { address: '192.0.2.1', port: 32853 };
  let read = 0;
  fuzz(examples, (bytes) => {
    const found = parseBindingRequest(bytes);
    if (!found) return;
    read++;
    const { integrityAt, localName, remoteName } = found;
    assert.ok(integrityAt + 24 <= bytes.length && localName.length + remoteName.length <= bytes.length);
    if (isAuthentic(found, 'VOkJxbRl1RmTxUk/WvJxBt')) {
      assert.deepEqual(bytes.subarray(4, integrityAt + 24), whole.subarray(4, integrityAt + 24));
    }
    assert.equal(encodeBindingSuccess(found, from, 'x').length, 64);
  });
  assert.ok(read > 0, 'some of it could be read');
});

test('RTCP feedback: never throws, says no more than there is', () => {
  const hex = [
    '81ce00020000000100000002',
    '81cd0003000000010000000affff8001',
    '84ce0004000000010000000000000002 01000000'.replace(' ', ''),
    '81cb000100000001',
    '80c9000100000001 81ca0002000000010102 7878'.replaceAll(' ', ''),
    `81cd0042000000010000000a${'0001ffff'.repeat(64)}`,
  ];
  let words = 0;
  const examples = hex.map((each) => Buffer.from(each, 'hex'));
  fuzz([...examples, Buffer.concat(examples)], (bytes) => {
    const found = parseFeedback(bytes);
    words += found.length;
    assert.ok(found.length <= bytes.length / 4);
    for (const word of found) {
      if (word.kind !== 'lost') continue;
      assert.ok(word.sequences.length <= 17 * (bytes.length / 4));
      assert.ok(word.sequences.every((sequence) => sequence >= 0 && sequence < 0x10000));
    }
  });
  assert.ok(words > 0);
});
