// 200,000 random, truncated and flipped datagrams and texts through every parser, and hostile XML: each is read or refused
// with a `protocol` error, never anything else. Replayable: the seed is fixed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isNvrError } from '../../core/nvr-error.ts';
import { seededRandom } from '../../core/random.ts';
import { Ptcp } from './ptcp.ts';
import * as wire from './wire.ts';

type Vector = { input: { hex?: string; text?: string; base64?: string } };
const file = new URL('captures/dahua-p2p-vectors.json', import.meta.url);
const seeds = (JSON.parse(readFileSync(file, 'utf8')) as Vector[]).flatMap(({ input }) => [
  ...(input.hex ? [Buffer.from(input.hex, 'hex')] : []),
  ...(input.text ? [Buffer.from(input.text)] : []),
]);
/** `npm run soak` asks for a million. */
const ROUNDS = Number(process.env.PERCH_FUZZ_ROUNDS ?? 200_000);
const MAX_GROWTH_BYTES = 20e6;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
// Traces of refusals are not looked at, and cost most of the time.
Error.stackTraceLimit = 0;

const parsers: ReadonlyArray<(bytes: Uint8Array) => unknown> = [
  (bytes) => wire.classifyDatagram(bytes),
  (bytes) => wire.parseResponse(bytes),
  (bytes) => wire.parseRequest(bytes),
  (bytes) => wire.parseStun(bytes),
  (bytes) => wire.parseSegment(bytes),
  (bytes) => wire.parseMessage(bytes),
  (bytes) => wire.parseBody(Buffer.from(bytes).toString('latin1')),
  (bytes) => wire.parseEndpoint(Buffer.from(bytes).toString('latin1')),
  (bytes) => wire.parseCandidates(Buffer.from(bytes).toString('latin1'), true),
  (bytes) => wire.parseIdentify(Buffer.from(bytes).toString('latin1')),
  (bytes) => wire.parseWsse(Buffer.from(bytes).toString('latin1')),
  (bytes) => wire.decryptInfo(Buffer.from(bytes).toString('latin1')),
];

function refusedOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isNvrError(error, 'protocol')) throw error;
  }
}

function mutator(seed: number): () => Uint8Array {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  return () => {
    if (random() < 0.1) {
      // Mostly short: what a parser makes of noise is decided by the first bytes.
      const noise = new Uint8Array(below(random() < 0.1 ? 1600 : 120));
      for (let at = 0; at < noise.length; at++) noise[at] = random() * 256;
      return noise;
    }
    const bytes = Uint8Array.from(seeds[below(seeds.length)]!);
    for (let flips = below(6); flips > 0 && bytes.length > 0; flips--) bytes[below(bytes.length)] = below(256);
    return random() < 0.3 ? bytes.slice(0, below(bytes.length + 1)) : bytes;
  };
}

/** Twice: the memory of buffers goes when the collection after the one that found them begins. */
function memory(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('every parser survives 200,000 broken datagrams and texts', () => {
  const next = mutator(6);
  let settled = 0;
  for (let n = 0; n < ROUNDS; n++) {
    if (n === ROUNDS / 4) settled = memory();
    const bytes = next();
    for (const parse of parsers) refusedOrRead(() => parse(bytes));
  }
  const growth = memory() - settled;
  assert.ok(growth < MAX_GROWTH_BYTES, `memory grew by ${growth} bytes`);
});

test('a session and the message reader survive 200,000 broken segments with bounded memory', () => {
  const random = seededRandom(7);
  const below = (limit: number) => Math.floor(random() * limit);
  let most = 0;
  for (let sessions = 0; sessions < 20; sessions++) {
    const ptcp = new Ptcp(() => null);
    const reader = new wire.MessageReader();
    ptcp.start(0);
    const header = { ack: 4, control: 0, window: 65_535, tsval: 1, tsecr: 0 };
    ptcp.receive(wire.encodeSegment({ ...header, seq: 0, flags: wire.PTCP_CTL, body: wire.SYN_BODY }), 1);
    for (let n = 0; n < ROUNDS / 20; n++) {
      const body = new Uint8Array(below(60));
      for (let at = 0; at < body.length; at++) body[at] = random() * (random() < 0.5 ? 32 : 256);
      const isNear = random() < 0.9;
      const seq = isNear ? (ptcp.receiveStore!.rcvNxt + below(200) - 60) >>> 0 : below(2 ** 32);
      const flags = random() < 0.01 ? wire.PTCP_CTL : 0;
      const bytes = wire.encodeSegment({ ...header, seq, ack: below(50), flags, control: below(2), body });
      const { pieces } = ptcp.receive(bytes, n / 1000);
      for (const piece of pieces) reader.push(piece);
      most = Math.max(most, reader.waitingBytes, ptcp.receiveStore!.storedBytes);
    }
    assert.equal(ptcp.state, 'established');
  }
  assert.ok(most <= 512 * 1024, `${most} bytes held`);
});

const hostile: Record<string, string> = {
  entity: '<body><A>&xxe;</A></body>',
  doctype: '<!DOCTYPE b SYSTEM "file:///etc/passwd"><body/>',
  'billion laughs': '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><body><A>&b;</A></body>',
  cdata: '<body><A><![CDATA[<x>]]></A></body>',
  comment: '<body><!-- x --></body>',
  instruction: '<body><?php x ?></body>',
  depth: `<body>${'<a>'.repeat(9)}${'</a>'.repeat(9)}</body>`,
  'too many children': `<body>${'<a/>'.repeat(10_000)}</body>`,
  'two roots': '<body></body><body></body>',
  'text behind': '<body></body>x',
  'wrong root': '<html/>',
  crossed: '<body><a><b></a></b></body>',
  'open tag': '<body><a',
  'zero character': '<body><A>&#0;</A></body>',
  surrogate: '<body><A>&#xd800;</A></body>',
  size: `<body><A>${'x'.repeat(9000)}</A></body>`,
};
for (const [name, xml] of Object.entries(hostile)) {
  test(`hostile XML: ${name}`, () => {
    assert.throws(
      () => wire.parseBody(xml),
      (error) => isNvrError(error, 'protocol'),
    );
  });
}

test('names in XML have no power', () => {
  const body = wire.parseBody('<body><__proto__>x</__proto__><constructor>y</constructor></body>')!;
  assert.equal(body.get('__proto__'), 'x');
  assert.equal(Object.getPrototypeOf(body), Map.prototype);
});

test('a body survives the way there and back', () => {
  const text = '<&>"\'日本';
  assert.equal(wire.parseBody(wire.encodeBody([['A', text]]))?.get('A'), text);
});

test('deep quantifiers cannot be made slow', () => {
  const begin = performance.now();
  for (const xml of ['<body '.repeat(1300), `<body${' '.repeat(8000)}`, `<body>${'&'.repeat(8000)}</body>`]) {
    refusedOrRead(() => wire.parseBody(xml));
  }
  assert.ok(performance.now() - begin < 1000);
});
