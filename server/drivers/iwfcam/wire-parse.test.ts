// Every vector parsed to its decoded values; no parser throws on any vector nor on any prefix of one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type AddressBlock,
  isMedia,
  newMediaPacket,
  parseLiveParams,
  parseMedia,
  parsePacket,
  simpleCommands,
  WHOLE_FRAME,
} from './wire.ts';

type Decoded = Readonly<Record<string, unknown>>;
type Vector = { name: string; direction: string; hex: string; decoded: Decoded };

const file = new URL('captures/iwfcam-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[];
const byName = new Map(vectors.map((vector) => [vector.name, vector]));
const bytesOf = (name: string) => new Uint8Array(Buffer.from(byName.get(name)!.hex, 'hex'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Packets that another dialect speaks: built for documentation, not parsed. */
const notParsed: readonly string[] = ['lan-search-17900', 'sibling-dialect-discovery-request'];
/** Packets that are well formed; what is wrong with them is judged above the wire. */
const judgedAbove: readonly string[] = [
  'bad-pkt-index-beyond-count',
  'bad-wrong-session',
  'bad-login-response-session-0',
  'bad-discovery-port-0',
];

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
