// Every good packet among the vectors of the specification, built byte for byte.

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
  type LoginResponse,
  NOT_SUPPORTED,
  passwordToken,
  SIBLING_SETUP_SIGNATURE,
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
