// The end of a file whose ffmpeg is slower than anybody waits: what the row says is what is in the file.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { framesOf, pictures, recordingBase, until } from '../test/recording-fixture.ts';
import { closeSegment } from './segment-close.ts';
import { SegmentWriter } from './segment-writer.ts';

const START = Date.UTC(2026, 4, 3, 10, 0, 0);
const PICTURES = 60;
const SIGTERM_BIT = 1n << 14n;

function frame(number: number): VideoFrame {
  const at = number * 100;
  return {
    ...{ kind: 'video', codec: 'mjpeg', key: true, data: pictures.picture(number).data, width: 160, height: 120 },
    ...{ at: START + at, monoMs: at, mediaMs: null },
  };
}

async function opened(t: TestContext) {
  const base = recordingBase(t);
  const start = { camera: 'cam', folder: 'yard', format: 'mjpeg', first: frame(0), startAt: START } as const;
  const writer = await SegmentWriter.open(
    { ...start, sound: null, pace: { medianMs: 100 } },
    base.files,
    silentLogger,
    0,
  );
  t.after(() => writer.ffmpeg.kill());
  for (let n = 0; n < PICTURES / 2; n++) await writer.write(frame(n));
  await until(() => statSync(base.files.absolute(`${writer.path}.part`)).size > 0);
  const close = (finishMs?: number) =>
    closeSegment(writer, 'boundary', () => START + PICTURES * 100, {
      ...{ files: base.files, index: base.index, log: silentLogger, ...(finishMs !== undefined && { finishMs }) },
    });
  return { ...base, writer, close };
}

const isTold = (pid: number) => {
  const masks = [...readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^S(?:ig|hd)Pnd:\s+(\w+)$/gm)];
  return masks.some(([, mask]) => (BigInt(`0x${mask}`) & SIGTERM_BIT) !== 0n);
};

test('an ffmpeg that is interrupted ends its file in order without all pictures: the row has those that are in it', async (t) => {
  const { files, writer, close } = await opened(t);
  const pid = writer.ffmpeg.pid!;
  process.kill(pid, 'SIGSTOP');
  for (let n = PICTURES / 2; n < PICTURES; n++) void writer.write(frame(n));
  const closing = close(1);
  await until(() => isTold(pid));
  process.kill(pid, 'SIGCONT');
  const { segment, error, lost, lastMonoMs } = await closing;
  const inFile = (await framesOf(files.absolute(segment!.path))).length;
  assert.ok(inFile < PICTURES, 'it had not read all');
  assert.deepEqual([segment?.frames, lost, segment?.endReason], [inFile, PICTURES - inFile, 'recorderFailed']);
  assert.equal(error?.code, 'timeout');
  assert.ok(segment!.endAt <= START + inFile * 100 && lastMonoMs === (inFile - 1) * 100);
});

test('an ffmpeg that stood still for a while and is waited for: every picture, and no failure', async (t) => {
  const { files, writer, close } = await opened(t);
  const pid = writer.ffmpeg.pid!;
  process.kill(pid, 'SIGSTOP');
  for (let n = PICTURES / 2; n < PICTURES; n++) void writer.write(frame(n));
  const closing = close();
  process.kill(pid, 'SIGCONT');
  const { segment, error, lost } = await closing;
  assert.deepEqual([segment?.frames, lost, segment?.endReason, error], [PICTURES, 0, 'boundary', null]);
  assert.equal((await framesOf(files.absolute(segment!.path))).length, PICTURES);
  assert.equal(segment?.endAt, START + PICTURES * 100);
});
