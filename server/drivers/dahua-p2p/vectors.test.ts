// Every vector of the specification, in both directions where there are two. A kind without a check fails the test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isNvrError } from '../../core/nvr-error.ts';
import { chooseAction, clockOffset, planRetries, readNatInfo } from './decide.ts';
import { Ptcp } from './ptcp.ts';
import { ReceiveStore } from './receive-store.ts';
import * as wire from './wire.ts';

// biome-ignore lint/suspicious/noExplicitAny: vectors are of forty shapes
type Loose = any;
type Vector = { name: string; kind: string; input: Loose; expected: Loose };

const file = new URL('captures/dahua-p2p-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[];

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
const bin = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const text = (value: string) => new Uint8Array(Buffer.from(value));
const endpoint = (value: string | null) => (value === null ? null : wire.parseEndpoint(value));
const address = (value: { address: string; port: number } | null) => (value ? wire.endpointText(value) : null);
const asObject = (map: ReadonlyMap<string, string> | null) => (map === null ? null : Object.fromEntries(map));

function faultOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (isNvrError(error, 'protocol')) return String(error.context.reason);
    throw error;
  }
  return 'none';
}

const names: Record<string, string> = {
  signRequest: 'sign-request',
  signPresent: 'sign-present',
  signAccepted: 'sign-accepted',
  signDone: 'sign-done',
};
const kindTypes: Record<string, number> = {
  data: 0x10,
  bind: 0x11,
  status: 0x12,
  heartbeat: 0x13,
  signRequest: 0x17,
  sign: 0x18,
  signPresent: 0x19,
  signAccepted: 0x1a,
  signDone: 0x1b,
};

function describeMessage(message: wire.Message): Loose {
  const type = message.kind === 'unknown' ? message.type : kindTypes[message.kind];
  const found: Loose = {
    type,
    name: names[message.kind] ?? message.kind,
    realm: 'realm' in message ? message.realm : 0,
  };
  if (message.kind === 'bind') Object.assign(found, { port: message.port, ip: message.address });
  if (message.kind === 'status') found.status = message.status;
  if ('sign' in message) found.signHex = hex(message.sign);
  if ('data' in message) found.dataHex = hex(message.data);
  return found;
}

function toMessage(input: Loose): wire.Message {
  const kind = Object.keys(names).find((key) => names[key] === input.name) ?? input.name;
  return {
    ...input,
    kind,
    address: input.ip,
    ...(input.signHex !== undefined && { sign: bin(input.signHex) }),
    ...(input.dataHex !== undefined && { data: bin(input.dataHex) }),
  };
}

function describeSegment(bytes: Uint8Array): Loose {
  const { body, ...rest } = wire.parseSegment(bytes);
  const pid = ((rest.control << 24) | (rest.flags << 16) | rest.window) >>> 0;
  return { ...rest, pid, bodyHex: hex(body) };
}

const stunTypes: Record<string, number> = { request: 1, success: 0x101, error: 0x111 };

const checks: Record<string, (input: Loose, expected: Loose) => unknown> = {
  'wsse-digest': (input, expected) => assert.equal(wire.wsseDigest(input, input.nonce, input.created), expected.digest),
  'wsse-header': (input, expected) => {
    assert.equal(wire.encodeWsse(input, input.nonce, input.created), expected.xWsse);
    assert.equal(wire.WSSE_AUTHORIZATION, expected.authorization);
  },
  'wsse-parse': (input, expected) => assert.deepEqual(wire.parseWsse(input.xWsse), expected),
  'wsse-verify': (input, expected) => assert.deepEqual(wire.verifyWsse(input.pairs, input.xWsse), expected),
  'device-key': (input, expected) =>
    assert.equal(wire.deviceKey(input.username, input.password, input.randSalt), expected.key),
  'address-key': async (input, expected) =>
    assert.equal(hex(await wire.addressKey(input.key, input.nonce)), expected.hex),
  'address-encrypt': async (input, expected) => {
    const dk = await wire.addressKey(input.key, input.nonce);
    assert.equal(wire.encryptAddress(dk, input.plaintext, input.zeroPadTo), expected.base64);
  },
  'address-decrypt': async (input, expected) => {
    const dk = await wire.addressKey(input.key, input.nonce);
    if (expected.error)
      assert.equal(
        faultOf(() => wire.decryptAddress(dk, input.base64)),
        expected.error,
      );
    else assert.equal(wire.decryptAddress(dk, input.base64), expected.plaintext);
  },
  devauth: (input, expected) =>
    assert.equal(wire.devAuth(input.key, input.nonce, input.createDate, input.payload), expected.base64),
  'channel-body': async (input, expected) => {
    const xml = await channelBody(input);
    assert.equal(xml, expected.xml);
    assert.equal(Buffer.byteLength(xml), expected.contentLength);
  },
  'device-info-encrypt': (input, expected) => assert.equal(wire.encryptInfo(input.text), expected.base64),
  'device-info-decrypt': (input, expected) => {
    if (expected.error)
      assert.equal(
        faultOf(() => wire.decryptInfo(input.base64)),
        expected.error,
      );
    else assert.deepEqual(wire.decryptInfo(input.base64), expected.json);
  },
  'ip-complement': (input, expected) => {
    assert.equal(wire.complementAddresses(input.localAddr), expected.encoded);
    assert.equal(wire.complementAddresses(expected.encoded), input.localAddr);
  },
  'localaddr-parse': (input, expected) =>
    assert.deepEqual(wire.parseCandidates(input.text, input.complemented).map(wire.endpointText), expected.candidates),
  'endpoint-parse': (input, expected) => {
    if (expected.error)
      return assert.equal(
        faultOf(() => wire.parseEndpoint(input.text)),
        expected.error,
      );
    const found = wire.parseEndpoint(input.text);
    assert.deepEqual({ ip: found?.address ?? null, port: found?.port ?? 0 }, expected);
  },
  'identify-format': (input, expected) =>
    assert.equal(wire.formatIdentify(bin(input.hex), input.padded), expected.text),
  'identify-parse': (input, expected) => {
    if (expected.error)
      assert.equal(
        faultOf(() => wire.parseIdentify(input.text)),
        expected.error,
      );
    else assert.equal(hex(wire.parseIdentify(input.text)), expected.hex);
  },
  'dh-request-build': (input, expected) =>
    assert.equal(Buffer.from(wire.encodeRequest({ ...input, key: input })).toString(), expected.text),
  'dh-request-parse': (input, expected) => {
    const { headers: _headers, body, ...request } = wire.parseRequest(text(input.text));
    assert.deepEqual({ ...request, body: asObject(body) }, expected);
  },
  'dh-response-parse': (input, expected) => {
    const { cseq: _cseq, headers, body, ...response } = wire.parseResponse(text(input.text));
    assert.deepEqual({ ...response, headers: asObject(headers), body: asObject(body) }, expected);
  },
  'dh-response-error': (input, expected) =>
    assert.equal(
      faultOf(() => wire.parseResponse(text(input.text))),
      expected.error,
    ),
  'dh-response-action': (input, expected) => {
    const response = wire.parseResponse(text(input.text));
    assert.equal(response.code, expected.code);
    assert.equal(chooseAction(response, input.pending), expected.action);
    if (expected.error) assert.equal(response.body?.get('Error'), expected.error);
  },
  'clock-offset': (input, expected) =>
    assert.equal(clockOffset(input.dateHeader, input.localUnix), expected.offsetSeconds),
  'stun-encode': (input, expected) => assert.equal(hex(wire.encodeStun(toStun(input))), expected.hex),
  'stun-decode': (input, expected) => {
    const found = wire.parseStun(bin(input.hex));
    const described = {
      messageType: stunTypes[found.cls],
      cls: found.cls,
      cookieHex: hex(found.cookie),
      txidHex: hex(found.id),
      role: found.role,
      identifyHex: hex(found.identify),
      address: address(found.address),
    };
    assert.deepEqual(described, expected);
  },
  'stun-error': (input, expected) =>
    assert.equal(
      faultOf(() => wire.parseStun(bin(input.hex))),
      expected.error,
    ),
  'ptcp-segment-parse': (input, expected) => assert.deepEqual(describeSegment(bin(input.hex)), expected),
  'ptcp-segment-serialize': (input, expected) =>
    assert.equal(hex(wire.encodeSegment({ ...input, body: bin(input.bodyHex) })), expected.hex),
  'ptcp-segment-error': (input, expected) =>
    assert.equal(
      faultOf(() => wire.parseSegment(bin(input.hex))),
      expected.error,
    ),
  'ptcp-message-parse': (input, expected) =>
    assert.deepEqual(describeMessage(wire.parseMessage(bin(input.hex))), expected),
  'ptcp-message-serialize': (input, expected) =>
    assert.equal(hex(wire.encodeMessage(toMessage(input), input.lengthField ?? 0)), expected.hex),
  'ptcp-message-error': (input, expected) =>
    assert.equal(
      faultOf(() => wire.parseMessage(bin(input.hex))),
      expected.error,
    ),
  'seq-compare': ({ a, b }, expected) => {
    assert.equal(Math.sign(wire.seqDelta(a, b)), expected.cmp);
    assert.equal((b - a) >>> 0, expected.distance);
  },
  'ack-accept': (input, expected) =>
    assert.equal(wire.ackAdvances(input.sndUna, input.sndNxt, input.ack), expected.advances),
  'device-window': (input, expected) => assert.equal(0xffff - input.receivedAfterSyn, expected.window),
  segmentation: (input, expected) =>
    assert.deepEqual(wire.segmentation(input.payloadLength, input.maxData), expected.dataLengths),
  'ptcp-reassembly': (input, expected) => {
    const store = new ReceiveStore(input.initialRcvNxt);
    for (const [n, segment] of input.segments.entries()) {
      const { pieces, mustAck } = store.receive({ seq: segment.seq, body: bin(segment.bodyHex), tsval: 0 });
      const step = { deliveredHex: hex(Buffer.concat(pieces)), rcvNxt: store.rcvNxt, sendAck: mustAck };
      assert.deepEqual(step, expected.steps[n]);
    }
  },
  'ptcp-stream-messages': (input, expected) => {
    const store = new ReceiveStore(input.initialRcvNxt);
    const reader = new wire.MessageReader();
    const messages = input.segments.flatMap((segment: Loose) =>
      store
        .receive({ seq: segment.seq, body: bin(segment.bodyHex), tsval: 0 })
        .pieces.flatMap((each) => reader.push(each)),
    );
    assert.deepEqual(messages.map(describeMessage), expected.messages);
  },
  'tsecr-rule': (input, expected) => {
    const store = new ReceiveStore(input.initial.lastAckSent);
    store.tsRecent = input.initial.tsRecent;
    const seen = input.events.map((event: Loose) => {
      if (event.recv)
        store.receive({ seq: event.recv.seq, body: new Uint8Array(event.recv.len), tsval: event.recv.tsval });
      else {
        assert.equal(store.rcvNxt, event.sendAck);
        store.noteAckSent();
      }
      return store.tsRecent;
    });
    assert.deepEqual(seen, expected.tsRecentAfterEach);
  },
  'ptcp-trace-headers': (input, expected) => {
    let store: ReceiveStore | null = null;
    const duplicates: number[] = [];
    for (const [n, [direction, seq, , pid, tsval, , length]] of input.rows.entries()) {
      if (direction !== 'D') continue;
      if (!store) {
        store = new ReceiveStore(seq + length);
        continue;
      }
      const before = store.counts.duplicates;
      store.receive({ seq, body: new Uint8Array(length), tsval });
      if (store.counts.duplicates > before) duplicates.push(n);
      assert.equal(store.hasHole, false);
      assert.ok(pid <= 0xffff);
    }
    assert.equal(store?.rcvNxt, expected.correctFinalAck);
    assert.deepEqual(duplicates, expected.duplicateRows);
  },
  'datagram-classify': (input, expected) => assert.equal(wire.classifyDatagram(bin(input.hex)), expected.class),
  'retry-schedule': (input, expected) => assert.deepEqual(planRetries(input), expected),
  'restart-backoff': (input, expected) => {
    // The Supervisor owns this back-off; the formula is pinned here so that the table stays checked.
    const delays = Array.from({ length: input.attempts }, (_, n) =>
      Math.min(input.maxMs, input.initialMs * input.factor ** n),
    );
    assert.deepEqual(delays, expected.delaysMs);
  },
  'ptcp-transcript': (input, expected) => replayTranscript(input.rows, expected),
  'nat-info-parse': async (input, expected) => {
    const { body } = wire.parseResponse(text(input.text));
    const info = await readNatInfo(body!, input.deviceKey ?? null);
    const locals = info.localCandidates.map(wire.endpointText);
    const usable = info.pubAddr !== null || locals.length > 0;
    const found = { pubAddr: address(info.pubAddr), localCandidates: locals, usable, policy: info.policy };
    assert.deepEqual(found, expected);
  },
};

async function channelBody(input: Loose): Promise<string> {
  const login = input.username
    ? { username: input.username, password: input.password, randSalt: input.randSalt }
    : null;
  const freshness = { nonce: input.nonce, createDate: input.createDate };
  if (input.endpoint === 'relay/start') return wire.relayStartBody(input.dev);
  if (input.endpoint === 'relay/agent') return wire.relayAgentBody(input.dev);
  if (input.endpoint === 'relay-channel')
    return wire.relayChannelBody(input.agentAddr, login ? { login, freshness } : undefined);
  const identify = wire.formatIdentify(bin(input.identifyHex), false);
  if (login) return wire.channelBody1(identify, input.localAddr, login, freshness, input.version);
  const isComplement = input.ipEncrptMode === 'complement';
  const local = isComplement ? wire.complementAddresses(input.localAddr) : input.localAddr;
  return wire.channelBody0(identify, local, input.ipEncrptMode, input.version);
}

function toStun(input: Loose): wire.StunMessage {
  return {
    cls: input.cls,
    cookie: bin(input.cookieHex),
    id: bin(input.txidHex),
    role: input.role,
    identify: input.identifyHex === null ? null : bin(input.identifyHex),
    address: endpoint(input.address),
  };
}

/** Our endpoint in the place of the transcript's client: same seq, ack, window, flags and bodies in the same order. */
function replayTranscript(rows: { dir: string; hex: string }[], expected: Loose): void {
  const bodies = rows
    .filter(({ dir }) => dir === 'C')
    .map(({ hex }) => wire.parseSegment(bin(hex)))
    .filter(({ flags, body }) => flags === 0 && body.length > 0)
    .map(({ body }) => body);
  let allowed = 0;
  const ptcp = new Ptcp(() => (allowed-- > 0 ? (bodies.shift() ?? null) : null));
  const sent: Uint8Array[] = [...ptcp.start(0).datagrams];
  const reader = new wire.MessageReader();
  const delivered: Uint8Array[] = [];
  let nowMs = 0;
  for (const { dir, hex } of rows) {
    nowMs += 10;
    if (dir === 'C') {
      const wanted = wire.parseSegment(bin(hex));
      if (wanted.body.length > 0 && wanted.flags === 0) {
        allowed = 1;
        sent.push(...ptcp.pump(nowMs).datagrams);
        allowed = 0;
      }
      const { tsval: _a, tsecr: _b, ...ours } = describeSegment(sent.shift()!);
      const { tsval: _c, tsecr: _d, ...theirs } = describeSegment(bin(hex));
      assert.deepEqual(ours, theirs);
    } else {
      const { datagrams, pieces } = ptcp.receive(bin(hex), nowMs);
      sent.push(...datagrams, ...ptcp.acknowledge(nowMs).datagrams);
      for (const message of pieces.flatMap((piece) => reader.push(piece))) {
        if (message.kind === 'data') delivered.push(message.data);
      }
    }
  }
  assert.deepEqual(sent, []);
  assert.equal(Buffer.concat(delivered).toString(), expected.clientDelivers);
  assert.equal(ptcp.sendQueue.sndNxt, expected.finalClientSeq);
  assert.equal(ptcp.receiveStore?.rcvNxt, expected.finalClientAck);
}

test('there are 285 vectors', () => assert.equal(vectors.length, 285));

for (const { name, kind, input, expected } of vectors) {
  test(`${kind}: ${name}`, async () => {
    const check = checks[kind];
    assert.ok(check, `no check for ${kind}`);
    await check(input, expected);
  });
}
