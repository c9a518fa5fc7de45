import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redactor } from '../../net/redactor.ts';
import { scrubPtcp } from './scrub.ts';
import { encodeMessage, encodeSegment } from './wire.ts';

const REALM = 0x1234;
const data = (text: string) => encodeMessage({ kind: 'data', realm: REALM, data: Buffer.from(text) });

/** A stream as datagrams of so many octets each; `seq` of the first may be near the wrap. */
function datagramsOf(stream: Uint8Array, size: number, seq: number): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < stream.length; at += size) {
    const body = stream.subarray(at, at + size);
    const place = { seq: (seq + at) >>> 0, ack: 0, control: 0, flags: 0, window: 9, tsval: 1, tsecr: 1 };
    out.push(Buffer.from(encodeSegment({ ...place, body })));
  }
  return out;
}

const scrub = (datagrams: readonly Uint8Array[]) => {
  const redactor = new Redactor(['hunter22']);
  return scrubPtcp(datagrams, (stream) => redactor.redact([stream]));
};

test('a password across segments, messages, copies and the wrap of the numbers is taken out of every datagram', async () => {
  const stream = Buffer.concat([
    encodeMessage({ kind: 'bind', realm: REALM, port: 554, address: '127.0.0.1' }),
    data('DESCRIBE rtsp://x RTSP/1.0\r\nAuthorization: Digest response="aabbcc'),
    encodeMessage({ kind: 'heartbeat' }),
    data('ddeeff"\r\nCSeq: 2\r\n\r\nhun'),
    data('ter22 and the end'),
  ]);
  for (const size of [3, 11, 40, 1000]) {
    for (const seq of [0, 2 ** 32 - 20]) {
      // From the beginning, and from the middle of a message on.
      for (const from of [0, 90]) {
        const cut = (piece: number) => datagramsOf(stream, piece, seq).slice(Math.ceil(from / piece));
        // Sent again, cut in another way, and out of order.
        const first = cut(size);
        const copies = [...first, ...cut(size + 5)];
        if (first.length > 3) [copies[1], copies[2]] = [copies[2]!, copies[1]!];
        const lengths = copies.map(({ length }) => length);
        await scrub(copies);
        assert.deepEqual(
          copies.map(({ length }) => length),
          lengths,
        );
        for (const all of [copies.slice(0, first.length), copies.slice(first.length)]) {
          const said = all.map((each) => each.subarray(24).toString('latin1')).join('');
          const where = `${size} ${seq} ${from}: ${said}`;
          if (from === 0) assert.ok(!/aabbcc|ddeeff/.test(said), where);
          assert.ok(!/hun|ter22/.test(said), where);
        }
      }
    }
  }
});

test('garbage and jumping numbers neither throw nor take memory', async () => {
  const one = (seq: number) => datagramsOf(Buffer.from('hunter22'), 100, seq)[0]!;
  const datagrams = [one(0), Buffer.from('PTCP'), one(2 ** 31), Buffer.from([1, 2]), one(1), one(2 ** 30)];
  await scrub(datagrams);
  for (const each of datagrams) assert.ok(!each.includes('hunter22'));
});
