// A part of a fragmented MP4 without decoding: its head, and its fragments from the key picture before one moment to
// another. Byte for byte what was recorded.

import { constants, type FileHandle, open } from 'node:fs/promises';
import { Mp4Fragments } from '../media/mp4-fragments.ts';
import { fileSource } from './file-source.ts';

const COPY_BYTES = 1024 * 1024;

/** What was cut out, milliseconds from the file's begin. */
export type CutSpan = { readonly startMs: number; readonly durationMs: number };

/**
 * Writes fragments `[startMs, endMs)` of `from` to `to`, beginning with a key picture.
 * @returns what is in it; `null` when nothing is
 * @throws foreign errors of the disk
 */
export async function cutMp4(from: string, to: string, startMs: number, endMs: number): Promise<CutSpan | null> {
  await using input = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  const read = await Mp4Fragments.read(await fileSource(input));
  if (!read) return null;
  const { fragments, initBytes, endOffset } = read;
  const zeroMs = fragments[0]!.timeMs;
  const after = fragments.findIndex(({ timeMs }) => timeMs - zeroMs > startMs);
  let first = after < 0 ? fragments.length - 1 : Math.max(0, after - 1);
  while (first > 0 && !(await read.isKey(first))) first--;
  const next = fragments.findIndex(({ timeMs }, n) => n > first && timeMs - zeroMs >= endMs);
  const end = next < 0 ? endOffset : fragments[next]!.offset;
  const fromMs = fragments[first]!.timeMs - zeroMs;
  const toMs = next < 0 ? endMs : fragments[next]!.timeMs - zeroMs;
  await using output = await open(to, 'w');
  await copyRange(input, output, 0, initBytes);
  await copyRange(input, output, fragments[first]!.offset, end);
  return { startMs: fromMs, durationMs: Math.max(1, toMs - fromMs) };
}

async function copyRange(input: FileHandle, output: FileHandle, from: number, to: number): Promise<void> {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to; ) {
    const { bytesRead } = await input.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (bytesRead === 0) return;
    await output.write(buffer, 0, bytesRead);
    at += bytesRead;
  }
}
