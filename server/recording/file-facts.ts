// What a recording file says about itself: scanned, not believed. Perch's note in the `comment` tag carries what the pictures cannot.

import { open } from 'node:fs/promises';
import type { RecordingFormat } from '../core/camera-config.ts';
import type { VideoCodec } from '../core/frame.ts';
import type { ByteSource, ScannedFile } from '../media/byte-source.ts';
import { scanMatroska } from '../media/matroska-scan.ts';
import { scanMp4 } from '../media/mp4-boxes.ts';

const NOTE = /^perch\/1 camera=(\S{1,64}) start=(\d{1,16})$/;
/** For files of a single picture. */
const DEFAULT_FRAME_MS = 100;

/** The note that is written into a file. */
export function encodeNote(camera: string, startAt: number): string {
  return `perch/1 camera=${camera} start=${startAt}`;
}

/** Reads a note; `null` when it is not one of ours. */
export function parseNote(comment: string | null): { camera: string; startAt: number } | null {
  const match = comment === null ? null : NOTE.exec(comment);
  return match ? { camera: match[1]!, startAt: Number(match[2]) } : null;
}

/** Facts of one file. */
export type FileFacts = {
  readonly wholeBytes: number;
  readonly frames: number;
  readonly codec: VideoCodec;
  /** From the note; `null` without one. */
  readonly camera: string | null;
  readonly startAt: number | null;
  /** From the first picture to the end of the last one. */
  readonly durationMs: number;
  /** From the file's zero to its last picture. */
  readonly lastMs: number;
};

/** Reads a file's facts. @returns `null` when there is not one whole picture that we can read */
export async function readFacts(absolutePath: string, format: RecordingFormat): Promise<FileFacts | null> {
  const handle = await open(absolutePath, 'r');
  let scanned: ScannedFile;
  try {
    const { size } = await handle.stat();
    const source: ByteSource = {
      size,
      async read(offset, length) {
        const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
        return buffer.subarray(0, bytesRead);
      },
    };
    scanned = await (format === 'mp4' ? scanMp4(source) : scanMatroska(source));
  } finally {
    await handle.close();
  }
  if (scanned.frames === 0 || scanned.codec === null) return null;
  const note = parseNote(scanned.comment);
  return {
    wholeBytes: scanned.wholeBytes,
    frames: scanned.frames,
    codec: scanned.codec,
    camera: note?.camera ?? null,
    startAt: note?.startAt ?? null,
    durationMs: Math.max(1, Math.round(scanned.lastMs - scanned.firstMs + (scanned.medianMs || DEFAULT_FRAME_MS))),
    lastMs: scanned.lastMs,
  };
}
