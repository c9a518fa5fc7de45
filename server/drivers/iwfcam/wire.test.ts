// Every vector of the specification in both directions: builders byte for byte, parsers to the decoded values, and no
// parser throws on any vector nor on any prefix of one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type AddressBlock,
  credential,
  type DiscoveryItem,
  encodeAcknowledge,
  encodeAnswer,
  encodeAudio,
  encodeCommand,
  encodeDeviceClosing,
  encodeDeviceHeartbeat,
  encodeDiscoveryRequest,
  encodeDiscoveryResponse,
  encodeHeartbeat,
  encodeLanSearch,
  encodeLive,
  encodeLiveAnswer,
  encodeLoginRequest,
  encodeLoginResponse,
  encodePathProbe,
  encodeSetFps,
  encodeTimeSync,
  encodeVideo,
  type Identity,
  isMedia,
  type LoginResponse,
  NOT_SUPPORTED,
  newMediaPacket,
  parseLiveParams,
  parseMedia,
  parsePacket,
  passwordToken,
  SIBLING_SETUP_SIGNATURE,
  simpleCommands,
  WHOLE_FRAME,
  withAcknowledge,
  ZERO_IDENTITY,
} from './wire.ts';

type Decoded = Readonly<Record<string, unknown>>;
type Vector = { name: string; direction: string; hex: string; decoded: Decoded };

const file = new URL('captures/iwfcam-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[];
const byName = new Map(vectors.map((vector) => [vector.name, vector]));
const bytesOf = (name: string) => new Uint8Array(Buffer.from(byName.get(name)!.hex, 'hex'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const camera: AddressBlock = {
  identity: ZERO_IDENTITY,
  publicAddress: '0.0.0.0',
  publicPort: 0,
  lanPort: 32100,
  lanAddress: '192.0.2.10',
};
const client: AddressBlock = { ...camera, lanPort: 41773, lanAddress: '192.0.2.20' };
const item: DiscoveryItem = { ...camera, uid: 'TEST001-0123456789AB-0001F4', webPort: 0 };
const learned: Identity = [7, 0x11223344, 2571];
const login = { ...client, credential: credential(passwordToken('8888')) };
const accepted: Omit<LoginResponse, 'kind'> = {
  ...camera,
  result: 0,
  session: 1,
  online: 1,
  name: 'IPCAM',
  authorization: 1,
};
const params = {
  width: 640,
  height: 480,
  fps: 15,
  videoFormat: 'MJPG',
  audioChannels: 1,
  audioRate: 8000,
  audioBits: 16,
};
const video = {
  session: 1,
  frameIndex: 0x102,
  head: { totalBytes: 51, packetCount: 3, width: 640, height: 480, timestampMs: 123456 },
};
const payloadOf = (name: string, at: number) => bytesOf(name).subarray(at);
const single = (name: string, frameIndex: number, timestampMs: number) =>
  encodeVideo({
    session: 1,
    frameIndex,
    packetIndex: 0,
    head: { totalBytes: 10, packetCount: 1, width: 640, height: 480, timestampMs },
    payload: payloadOf(name, 40),
  });

/** What builds each good packet, whoever sends it. */
const builders: Record<string, () => Uint8Array> = {
  'discovery-request': () => encodeDiscoveryRequest(),
  'discovery-response': () => encodeDiscoveryResponse([item]),
  'discovery-response-cloud-registered': () =>
    encodeDiscoveryResponse([
      { ...item, identity: [0, 0x11223344, 2571], publicAddress: '198.51.100.7', publicPort: 40001, webPort: 80 },
    ]),
  'login-request-default-password': () => encodeLoginRequest(login),
  'login-request-with-learned-id': () => encodeLoginRequest({ ...login, identity: learned }),
  'login-request-with-account': () => encodeLoginRequest({ ...login, account: 'viewer' }),
  'login-response-ok': () => encodeLoginResponse(accepted),
  'login-response-ok-session-2': () => encodeLoginResponse({ ...accepted, session: 2, online: 2 }),
  'login-response-bad-id': () =>
    encodeLoginResponse({ ...accepted, identity: learned, result: 1, session: 0, online: 0, authorization: 0 }),
  'login-response-full': () => encodeLoginResponse({ ...accepted, result: 2, session: 0, online: 8 }),
  'login-response-bad-password': () =>
    encodeLoginResponse({ ...accepted, result: 3, session: 0, online: 0, authorization: 0 }),
  'live-video': () => encodeLive(1, 1),
  'live-video-audio': () => encodeLive(1, 3),
  'live-stop-all': () => encodeLive(1, 0),
  'live-clear-audio-bit': () => encodeLive(1, 2, 'clear'),
  'live-response': () => encodeLiveAnswer(1, 3, params),
  'live-params-after-login': () => encodeLiveAnswer(1, 0, params),
  'heartbeat-client': () => encodeHeartbeat(1, 12),
  'heartbeat-device': () => encodeDeviceHeartbeat(1, 1, 35),
  'close-request': () => encodeCommand(1, 'close'),
  'close-response': () => encodeAnswer(1, 3, 1),
  'close-by-device': () => encodeCommand(1, 'close'),
  'close-response-from-client': () => encodeAnswer(1, 3, 1),
  'ir-led-on': () => encodeCommand(1, 'irLedOn'),
  'ir-led-off': () => encodeCommand(1, 'irLedOff'),
  'ir-config-read': () => encodeCommand(1, 'irConfigRead'),
  'sdcard-config-read': () => encodeCommand(1, 'sdCardConfigRead'),
  'sdcard-file-list': () => encodeCommand(1, 'sdCardFileList'),
  'snapshot-request': () => encodeCommand(1, 'snapshot'),
  'set-fps-10': () => encodeSetFps(1, 10),
  'time-sync': () =>
    encodeTimeSync(1, { year: 2024, month: 12, day: 30, hour: 23, minute: 14, second: 0, unix: 1735600440 }),
  'control-unsupported': () => encodeAnswer(1, 0x13, NOT_SUPPORTED),
  'path-probe-stage1': () => encodePathProbe({ stage: 1, counter: 10, session: 1, identity: ZERO_IDENTITY }),
  'path-probe-stage2-reply': () => encodePathProbe({ stage: 2, counter: 10, session: 1, identity: ZERO_IDENTITY }),
  'ack-frame': () =>
    encodeAcknowledge({ session: 1, fps: 15, items: [{ ack: true, frame: 0x1234, packet: WHOLE_FRAME }] }),
  'ack-and-nak': () =>
    encodeAcknowledge({
      session: 1,
      fps: 15,
      items: [
        { ack: true, frame: 10, packet: WHOLE_FRAME },
        { ack: false, mediaKind: 0, frame: 11, packet: 3 },
        { ack: false, mediaKind: 0, frame: 11, packet: 4 },
      ],
    }),
  'heartbeat-with-piggybacked-ack': () =>
    withAcknowledge(encodeHeartbeat(1, 15), {
      session: 1,
      fps: 15,
      items: [{ ack: true, frame: 10, packet: WHOLE_FRAME }],
    }),
  'video-frame-pkt0-of-3': () =>
    encodeVideo({ ...video, packetIndex: 0, payload: payloadOf('video-frame-pkt0-of-3', 40) }),
  'video-frame-pkt1-of-3': () =>
    encodeVideo({ session: 1, frameIndex: 0x102, packetIndex: 1, payload: payloadOf('video-frame-pkt1-of-3', 24) }),
  'video-frame-pkt2-of-3': () =>
    encodeVideo({ session: 1, frameIndex: 0x102, packetIndex: 2, payload: payloadOf('video-frame-pkt2-of-3', 24) }),
  'video-single-pkt-frame-65535': () => single('video-single-pkt-frame-65535', 65535, 200000),
  'video-single-pkt-frame-0-after-wrap': () => single('video-single-pkt-frame-0-after-wrap', 0, 200000),
  'audio-packet-short': () =>
    encodeAudio({ session: 1, frameIndex: 259, timestampMs: 123500, block: payloadOf('audio-packet-short', 28) }),
  'audio-packet-516': () =>
    encodeAudio({ session: 1, frameIndex: 260, timestampMs: 123628, block: payloadOf('audio-packet-516', 28) }),
  'device-closed-notice-0x0a': () => encodeDeviceClosing(),
  'device-closed-notice-0x10': () => encodeDeviceClosing(0x10),
  'lan-search-17900': () => encodeLanSearch(1),
  'sibling-dialect-discovery-request': () => encodeDiscoveryRequest(SIBLING_SETUP_SIGNATURE),
};

/** Packets that another dialect speaks: built for documentation, not parsed. */
const notParsed: readonly string[] = ['lan-search-17900', 'sibling-dialect-discovery-request'];
/** Packets that are well formed; what is wrong with them is judged above the wire. */
const judgedAbove: readonly string[] = [
  'bad-pkt-index-beyond-count',
  'bad-wrong-session',
  'bad-login-response-session-0',
  'bad-discovery-port-0',
];

test('every vector has its builder, and none is left over', () => {
  const packets = vectors.filter((vector) => vector.direction !== 'n/a' && !vector.name.startsWith('bad-'));
  assert.deepEqual(packets.map((vector) => vector.name).sort(), Object.keys(builders).sort());
  assert.equal(vectors.length, 80);
});

for (const [name, build] of Object.entries(builders)) {
  test(`builds ${name}`, () => assert.equal(hex(build()), byName.get(name)!.hex));
}

test('password tokens', () => {
  const tokens = vectors.filter((vector) => vector.decoded.kind === 'password-token');
  assert.equal(tokens.length, 4);
  for (const { decoded } of tokens) assert.equal(passwordToken(String(decoded.password)), decoded.token);
});

/** Our packet under the names of the vectors' `decoded`. */
function decodedOf(bytes: Uint8Array): Record<string, unknown> {
  const packet = parsePacket(bytes);
  assert.notEqual(typeof packet, 'string', `dropped: ${String(packet)}`);
  if (typeof packet === 'string') throw new Error(packet);
  const common = { sig: String.fromCharCode(...bytes.subarray(0, 4)), data_len: bytes[6]! | (bytes[7]! << 8) };
  const block = (of: AddressBlock) => ({
    id: [...of.identity],
    pub_ip: of.publicAddress,
    pub_port: of.publicPort,
    lan_port: of.lanPort,
    lan_ip: of.lanAddress,
  });
  switch (packet.kind) {
    case 'discoveryRequest':
      return { ...common, search_kind: packet.searchKind };
    case 'discoveryResponse':
      return {
        ...common,
        search_kind: packet.searchKind,
        count: packet.count,
        items: packet.items.map((each) => ({ ...block(each), uid: each.uid, web_port: each.webPort })),
      };
    case 'loginRequest':
      return {
        ...common,
        ...block(packet),
        credential: packet.credential?.replace('\t', '\\t'),
        account: packet.account,
      };
    case 'loginResponse':
      return {
        ...common,
        id: [...packet.identity],
        result: packet.result,
        session: packet.session,
        device_lan_port: packet.lanPort,
        device_lan_ip: packet.lanAddress,
        online: packet.online,
        name: packet.name,
        auth: packet.authorization,
      };
    case 'deviceClosing':
      return common;
    case 'command':
    case 'answer': {
      const { data } = packet;
      const view = new DataView(data.buffer, data.byteOffset, data.length);
      const live = parseLiveParams(data);
      return {
        ...common,
        session: packet.session,
        type: packet.type,
        sub: packet.sub,
        sub_is_active_mask: packet.sub,
        result: `0x${packet.sub.toString(16)}`,
        len: data.length,
        ack_appended: packet.ack ? 1 : 0,
        datagram_len: bytes.length,
        ...(data.length === 8 && {
          video_channel: view.getUint16(0, true),
          audio_channel: view.getUint16(2, true),
          mask: view.getUint32(4, true),
          rx_fps: view.getUint16(4, true),
          online: view.getUint16(0, true),
          fps_cap: view.getUint16(2, true),
        }),
        ...(data.length === 32 &&
          Object.fromEntries(
            ['year', 'month', 'day', 'hour', 'minute', 'second', 'unix'].map((key, i) => [
              key,
              view.getUint32(4 * i, true),
            ]),
          )),
        ...(live && {
          params: {
            width: live.width,
            height: live.height,
            fps: live.fps,
            video_format: live.videoFormat,
            audio_channels: live.audioChannels,
            audio_rate: live.audioRate,
            audio_bits: live.audioBits,
          },
        }),
        ack: packet.ack && {
          session: packet.ack.session,
          rx_fps: packet.ack.fps,
          items: packet.ack.items.map((each) => ({ ack: each.ack ? 1 : 0, frame: each.frame, pkt: each.packet })),
        },
      };
    }
    case 'acknowledge':
      return {
        ...common,
        session: packet.session,
        rx_fps: packet.fps,
        items: packet.items.map((each) =>
          each.ack
            ? { ack: 1, frame: each.frame, pkt: each.packet }
            : { ack: 0, kind: each.mediaKind, frame: each.frame, pkt: each.packet },
        ),
      };
    case 'pathProbe':
      return {
        ...common,
        stage: packet.stage,
        counter: packet.counter,
        session: packet.session,
        id: [...packet.identity],
      };
    case 'media': {
      const payload = hex(bytes.subarray(packet.offset, packet.offset + packet.length));
      return {
        ...common,
        session: packet.session,
        const1: 1,
        kind: packet.mediaKind,
        frame_index: packet.frameIndex,
        frame_id_u32: packet.frameIndex,
        pkt_index: packet.packetIndex,
        media_data_len: packet.length,
        timestamp_ms: packet.timestampMs,
        payload_offset: packet.offset,
        payload_hex: payload,
        block_hex: payload,
        frame_head: {
          total_len: packet.totalBytes,
          pkt_count: packet.packetCount,
          width: packet.width,
          height: packet.height,
          timestamp_ms: packet.timestampMs,
        },
      };
    }
  }
}

/** Fields that describe instead of decode, or that media tests elsewhere check. */
const prose = [
  'note',
  'destination',
  'cmd',
  'samples',
  'duration_ms',
  'pcm',
  'pcm_first8',
  'pcm_last4',
  'pcm_s16le_sha256',
  'source_pcm',
];

for (const { name, hex: text, decoded, direction } of vectors) {
  if (direction === 'n/a' || name.startsWith('bad-') || notParsed.includes(name)) continue;
  test(`parses ${name}`, () => {
    const bytes = new Uint8Array(Buffer.from(text, 'hex'));
    const ours = decodedOf(bytes);
    if (decoded.cmd !== undefined) assert.equal(bytes[4]! | (bytes[5]! << 8), Number(decoded.cmd));
    for (const [key, value] of Object.entries(decoded)) {
      if (prose.includes(key)) continue;
      const expected = key === 'type' ? Number(value) : value;
      if (Array.isArray(expected) && key === 'items') {
        expected.forEach((each, index) => {
          const mine = (ours.items as Record<string, unknown>[])[index]!;
          for (const [field, want] of Object.entries(each as object)) {
            if (typeof want === 'string' && want.includes('whole frame')) assert.equal(mine[field], WHOLE_FRAME);
            else assert.deepEqual(mine[field], want, `items[${index}].${field}`);
          }
        });
      } else assert.deepEqual(ours[key], expected, key);
    }
  });
}

for (const { name, hex: text, decoded } of vectors) {
  if (!name.startsWith('bad-')) continue;
  test(`survives ${name}`, () => {
    const packet = parsePacket(new Uint8Array(Buffer.from(text, 'hex')));
    const wanted = decoded.expect === 'drop' && !judgedAbove.includes(name) ? 'string' : 'object';
    assert.equal(typeof packet, wanted, JSON.stringify(packet));
  });
}

test('a discovery answer that lies about its count yields only what is there', () => {
  const packet = parsePacket(bytesOf('bad-discovery-count-lies'));
  assert.ok(typeof packet === 'object' && packet.kind === 'discoveryResponse');
  assert.equal(packet.count, 1000);
  assert.equal(packet.items.length, 1);
  const endless = parsePacket(bytesOf('bad-discovery-name-no-nul'));
  assert.ok(typeof endless === 'object' && endless.kind === 'discoveryResponse');
  assert.equal(endless.items[0]!.uid, 'X'.repeat(32));
});

test('no parser throws on any prefix of any vector', () => {
  const into = newMediaPacket();
  for (const { hex: text } of vectors) {
    const bytes = new Uint8Array(Buffer.from(text, 'hex'));
    for (let end = 0; end <= bytes.length; end++) {
      const prefix = bytes.subarray(0, end);
      const packet = parsePacket(prefix);
      if (isMedia(prefix)) parseMedia(prefix, into);
      if (typeof packet === 'object' && (packet.kind === 'command' || packet.kind === 'answer')) {
        assert.ok(packet.data.length <= end);
        parseLiveParams(packet.data);
      }
    }
  }
});

test('commands that change or brick a camera cannot be named', () => {
  for (const [type, sub] of Object.values(simpleCommands)) {
    assert.ok(![0x0e, 0x12, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x50].includes(type));
    assert.ok(!(type === 0x0f && ![0, 2].includes(sub)));
  }
});
