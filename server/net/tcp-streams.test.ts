// The two implementations of streams under the same tests.

import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../core/manual-clock.ts';
import { isNvrError } from '../core/nvr-error.ts';
import { MemoryNet } from './memory-net.ts';
import type { ByteStream, StreamEnd, StreamNet } from './stream.ts';
import { systemStreams } from './tcp-streams.ts';

const clock = new ManualClock();
const memory = new MemoryNet({ clock }).host('127.0.0.1').streams;

/** Moves the manual clock until the promise settles; harmless for the real one. */
async function settle<T>(work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  work.then(settled, settled);
  while (!isSettled) await clock.advance(1);
  return work;
}

const endOf = (stream: ByteStream) => new Promise<StreamEnd>((resolve) => stream.onEnd(resolve));

for (const [name, net] of [
  ['system', systemStreams],
  ['memory', memory],
] as ReadonlyArray<readonly [string, StreamNet]>) {
  test(`${name}: bytes go both ways, ends are told, and early bytes wait for a handler`, async () => {
    const accepted = Promise.withResolvers<ByteStream>();
    await using listener = await net.listen({ address: '127.0.0.1', port: 0 }, accepted.resolve);
    const client = await settle(net.connect({ address: '127.0.0.1', port: listener.local.port }));
    const server = await settle(accepted.promise);
    client.write('hello');
    await clock.advance(5);
    const heard = new Promise<string>((resolve) => server.onBytes((bytes) => resolve(Buffer.from(bytes).toString())));
    assert.equal(await settle(heard), 'hello');
    const back = new Promise<string>((resolve) => client.onBytes((bytes) => resolve(Buffer.from(bytes).toString())));
    server.write(Uint8Array.of(104, 105));
    assert.equal(await settle(back), 'hi');
    const end = endOf(client);
    await server.close();
    assert.equal(await settle(end), null);
    assert.equal(await settle(endOf(client)), null, 'told also to who asks late');
    await client.close();
    await client.close();
    client.write('nobody hears this');
  });

  test(`${name}: a closed port, a taken port, an abort`, async () => {
    const listener = await net.listen({ address: '127.0.0.1', port: 0 }, () => {});
    const place = { address: '127.0.0.1', port: listener.local.port };
    await assert.rejects(
      net.listen(place, () => {}),
      (error: unknown) => isNvrError(error, 'conflict'),
    );
    await listener.close();
    await assert.rejects(
      settle(net.connect(place)),
      (error: unknown) => isNvrError(error, 'unavailable') && /refused the connection/.test(error.message),
    );
    const signal = AbortSignal.abort();
    await assert.rejects(settle(net.connect({ ...place, signal })), (error: unknown) => isNvrError(error, 'cancelled'));
  });
}
