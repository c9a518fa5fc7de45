// What a recording file says about itself: scanned, not believed. Perch's note in the `comment` tag carries what the pictures cannot.

import { open } from 'node:fs/promises';
import type { RecordingFormat } from '../core/camera-config.ts';
import type { VideoCodec } from '../core/frame.ts';
import type { ScannedFile } from '../media/byte-source.ts';
import { scanMatroska } from '../media/matroska-scan.ts';
import { scanMp4 } from '../media/mp4-boxes.ts';
import { fileSource } from './file-source.ts';

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
  const { scanned } = await scan(absolutePath, format);
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

/** Whether a file is empty, or understood to its last byte and without a picture: what a kill leaves of a begun file. */
export async function isBareHead(absolutePath: string, format: RecordingFormat): Promise<boolean> {
  const { scanned, size } = await scan(absolutePath, format);
  return scanned.frames === 0 && scanned.wholeBytes === size;
}

async function scan(path: string, format: RecordingFormat): Promise<{ scanned: ScannedFile; size: number }> {
  await using handle = await open(path, 'r');
  const source = await fileSource(handle);
  return { scanned: await (format === 'mp4' ? scanMp4(source) : scanMatroska(source)), size: source.size };
}
