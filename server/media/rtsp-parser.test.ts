// Interleaved packets that come in pieces: what a reader keeps of them stays as it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPps, testSps } from '../test/source-world.ts';
import { createH264Depacketizer } from './h264-depacketizer.ts';
import { joinUnits } from './nal.ts';
import { parseRtp } from './rtp.ts';
import { packetizePicture } from './rtp-packetizers.ts';
import { RtspParser } from './rtsp.ts';

test('a picture of many packets is whole, wherever the connection cuts it', () => {
  const unit = Uint8Array.from({ length: 60_000 }, (_, n) => (n * 7 + (n >> 8)) & 255);
  unit.set([0x65, 0x80]);
  const train = packetizePicture({ codec: 'h264', key: true, data: joinUnits([unit]) }, [testSps, testPps])!;
  const stamp = { channel: 0, payloadType: 96, sequence: 1, timestamp: 2, ssrc: 3 };
  const stream = train.stamped(stamp);
  for (const cut of [1, 100, 1399, 1500, 20_001]) {
    const frames: Uint8Array[] = [];
    const depacketizer = createH264Depacketizer(new Map(), {
      frame: (frame) => frames.push(frame.data),
      drop: (reason) => assert.fail(reason),
    });
    const parser = new RtspParser({
      message: () => assert.fail('no message'),
      data: (_channel, payload) => depacketizer.push(parseRtp(payload)!, 0),
    });
    for (let at = 0; at < stream.length; at += cut) parser.push(Uint8Array.from(stream.subarray(at, at + cut)));
    assert.equal(frames.length, 1);
    assert.deepEqual(Buffer.from(frames[0]!), Buffer.from(joinUnits([unit])), `cut every ${cut}`);
  }
});
