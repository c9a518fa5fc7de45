// Packets are read again by our own depacketizers, which are pinned by GStreamer's; what cannot be carried is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { testPps, testSps } from '../test/source-world.ts';
import { encodeAacConfig } from './aac.ts';
import { AacDepacketizer } from './aac-depacketizer.ts';
import { decodeG711, encodeAlaw } from './g711.ts';
import { encodeAvcC } from './h264.ts';
import { createH264Depacketizer } from './h264-depacketizer.ts';
import { JpegDepacketizer } from './jpeg-rtp-depacketizer.ts';
import { packetizeJpeg } from './jpeg-rtp-packetizer.ts';
import { joinUnits } from './nal.ts';
import type { PacketTrain } from './packet-train.ts';
import { parameterSets } from './parameter-sets.ts';
import { encodeBye, encodeSenderReport } from './rtcp-sender.ts';
import { parseRtcp, parseRtp, type RtpPacket } from './rtp.ts';
import type { RtpFrame } from './rtp-depacketizer.ts';
import { packetizeAac, packetizePicture, packetizeSamples } from './rtp-packetizers.ts';
import { createPcmDepacketizer } from './rtp-pcm.ts';
import { parseSdp } from './sdp.ts';
import { aacParameters, encodeSdp, videoParameters } from './sdp-writer.ts';

/** The packets of a train as a reader finds them. */
function packetsOf(train: PacketTrain | null): RtpPacket[] {
  assert.ok(train);
  const bytes = train.stamped({
    channel: 4,
    payloadType: 97,
    sequence: 0xffff,
    timestamp: 0xfffffff0,
    ssrc: 0xdeadbeef,
  });
  const packets: RtpPacket[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    assert.deepEqual([bytes[at], bytes[at + 1]], [0x24, 4]);
    packets.push(parseRtp(new Uint8Array(bytes.subarray(at + 4, end)))!);
    at = end;
  }
  for (const [n, packet] of packets.entries()) {
    assert.deepEqual([packet.sequence, packet.payloadType, packet.ssrc], [(0xffff + n) & 0xffff, 97, 0xdeadbeef]);
    assert.ok(packet.payload.length <= 1400);
  }
  return packets;
}

const collect = () => {
  const frames: RtpFrame[] = [];
  const drop = (reason: string) => assert.fail(reason);
  return { frames, output: { frame: (frame: RtpFrame) => void frames.push(frame), drop } };
};
const bytesOf = (data: Uint8Array) => Buffer.from(data).toString('hex');
const unit = (head: number, length: number) => {
  const nal = Uint8Array.from({ length }, (_, n) => (n * 5) & 255);
  nal.set([head, 0x80]);
  return nal;
};

test('H.264: small and large units, delimiters left out, parameter sets in front of a key picture that has none', () => {
  const units = [unit(0x65, 100), unit(0x65, 1400), unit(0x65, 1401), unit(0x65, 9000)];
  const data = joinUnits([Uint8Array.of(9, 0x10, 0), ...units]);
  const { frames, output } = collect();
  const reader = createH264Depacketizer(new Map(), output);
  const packets = packetsOf(packetizePicture({ codec: 'h264', key: true, data }, [testSps, testPps]));
  for (const packet of packets) reader.push(packet, 0);
  assert.equal(bytesOf(frames[0]!.data), bytesOf(joinUnits(units)));
  assert.deepEqual(packets.map(({ marker }) => marker).indexOf(true), packets.length - 1);
  const withOwn = joinUnits([testSps, testPps, unit(0x65, 100)]);
  assert.equal(packetizePicture({ codec: 'h264', key: true, data: withOwn }, [testSps, testPps])?.count, 3);
  assert.equal(packetizePicture({ codec: 'h264', key: false, data: unit(0x65, 9) }, []), null, 'lengths that lie');
  assert.deepEqual(
    parameterSets('h264', encodeAvcC([testSps], [testPps]))?.map(bytesOf),
    [testSps, testPps].map(bytesOf),
  );
  assert.equal(parameterSets('h264', encodeAvcC([testSps], [testPps]).subarray(0, 20)), null);
});

test('sound: AAC, G.711 and L16 in pieces with their times', () => {
  const config = encodeAacConfig(48_000, 2);
  const aac = collect();
  const fmtp = new Map(
    aacParameters(config)
      .split(';')
      .map((each) => each.toLowerCase().split('=') as [string, string]),
  );
  const reader = AacDepacketizer.create(fmtp, aac.output)!;
  for (const packet of packetsOf(packetizeAac(unit(1, 700)))) reader.push(packet, 0);
  assert.equal(bytesOf(aac.frames[0]!.data), bytesOf(unit(1, 700)));
  assert.equal(packetizeAac(new Uint8Array(8192)), null);

  const pcm = collect();
  const stereo = createPcmDepacketizer({ codec: 'pcm-s16le', sampleRate: 44_100, channels: 2 }, pcm.output);
  const samples = unit(3, 4001);
  const packets = packetsOf(packetizeSamples(samples, 4, true));
  for (const packet of packets) stereo.push(packet, 0);
  assert.equal(bytesOf(Buffer.concat(pcm.frames.map(({ data }) => data))), bytesOf(samples.subarray(0, 4000)));
  assert.deepEqual(
    packets.map(({ timestamp }) => (timestamp - 0xfffffff0) >>> 0),
    [0, 350, 700],
  );

  const codes = Uint8Array.from({ length: 256 }, (_, n) => n);
  assert.equal(bytesOf(encodeAlaw(decodeG711('pcma', codes))), bytesOf(codes));
  for (let sample = -32_768; sample < 32_768; sample += 7) {
    const back = decodeG711('pcma', encodeAlaw(Int16Array.of(sample)))[0]!;
    assert.ok(Math.abs(back - sample) <= Math.max(16, Math.abs(sample) / 16), `${sample} became ${back}`);
  }
});

test('JPEG: what RFC 2435 can carry decodes to the same pixels; what it cannot is refused', async () => {
  const noise = {
    create: {
      width: 96,
      height: 64,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  };
  const make = (options: object, resize?: object) => {
    const image = sharp(noise as object);
    return (resize ? image.resize(resize) : image).jpeg({ quality: 90, optimiseCoding: false, ...options }).toBuffer();
  };
  const jpeg = await make({});
  const { frames, output } = collect();
  const reader = new JpegDepacketizer(output, null);
  const packets = packetsOf(packetizeJpeg(jpeg));
  assert.ok(packets.length > 3);
  for (const packet of packets) reader.push(packet, 0);
  const pixels = (data: Uint8Array) => sharp(data).raw().toBuffer();
  assert.deepEqual(await pixels(frames[0]!.data), await pixels(jpeg));
  assert.equal(packetizeJpeg(await make({ chromaSubsampling: '4:4:4' })), null);
  assert.equal(packetizeJpeg(await make({ optimiseCoding: true })), null);
  assert.equal(packetizeJpeg(await make({ progressive: true })), null);
  assert.equal(packetizeJpeg(await make({}, { width: 2048, height: 16, fit: 'fill' })), null);
  for (let cut = 0; cut < 700; cut += 3) packetizeJpeg(jpeg.subarray(0, cut));
  assert.equal(packetizeJpeg(new Uint8Array(0)), null);
});

test('descriptions and reports are read again', () => {
  const record = encodeAvcC([testSps], [testPps]);
  const text = encodeSdp({
    ...{ id: 1, name: 'Front\r\na=control:rtsp://evil/' },
    tracks: [
      {
        kind: 'video',
        payloadType: 96,
        encoding: 'H264/90000',
        parameters: videoParameters('h264', record),
        control: 'trackID=0',
      },
      { kind: 'audio', payloadType: 8, encoding: 'PCMA/8000', parameters: null, control: 'trackID=1' },
    ],
  });
  const sdp = parseSdp(Buffer.from(text));
  assert.deepEqual([sdp.control, sdp.name], ['*', 'Front a=control:rtsp://evil/']);
  assert.deepEqual(
    sdp.media.map(({ encoding, control }) => [encoding, control]),
    [
      ['H264', 'trackID=0'],
      ['PCMA', 'trackID=1'],
    ],
  );
  assert.match(sdp.media[0]!.fmtp.get('sprop-parameter-sets') ?? '', /^Z0LA.+,aM4PyA==$/);
  assert.equal(videoParameters('h264', new Uint8Array(3)), null);

  const wallMs = Date.UTC(2026, 0, 1) + 500;
  const report = Buffer.from(
    encodeSenderReport({ ssrc: 7, wallMs, timestamp: 2 ** 32 - 1, packets: 3, bytes: 4, cname: 'perch' }),
  );
  assert.deepEqual(parseRtcp(report), {
    bye: false,
    lastReport: (((report.readUInt32BE(8) & 0xffff) << 16) | 0x8000) >>> 0,
    ssrc: 7,
  });
  assert.equal(report.readUInt32BE(8), Date.UTC(2026, 0, 1) / 1000 + 2_208_988_800);
  assert.deepEqual([report.readUInt32BE(12), report.readUInt32BE(16), report.length % 4], [0x80000000, 0xffffffff, 0]);
  assert.equal(parseRtcp(encodeBye(7))?.bye, true);
});
