// The end of a segment, in order: ffmpeg finishes, fsync, rename, fsync of the folder, row, fact (design/recordings.md).
// Also what adoption does with a `.part` that nobody finished: both end here, so a crash and a close cannot differ.

import type { RecordingFormat } from '../core/camera-config.ts';
import { newId } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import type { EndReason, Segment, SegmentIndex } from '../store/segment-index.ts';
import { type FileFacts, readFacts } from './file-facts.ts';
import { PART_SUFFIX, type SegmentFiles } from './segment-files.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** What closing needs. */
export type CloseTools = {
  readonly files: SegmentFiles;
  readonly index: SegmentIndex;
  readonly log: Logger;
  /** How long ffmpeg may take to finish, if not as long as usual. */
  readonly finishMs?: number;
};

/** Facts and place of a `.part` that is to become a segment. */
export type PartFacts = {
  readonly path: string;
  readonly folder: string;
  readonly camera: string | null;
  readonly format: RecordingFormat;
  readonly startAt: number;
  readonly endReason: EndReason;
  readonly facts: FileFacts;
};

/** Steps 3 to 6: makes a whole `.part` final and adds its row. @throws NvrError of the disk or the database */
async function finishPart(
  row: Omit<Segment, 'id' | 'bytes' | 'hasMotion' | 'protected'>,
  { files, index }: CloseTools,
): Promise<Segment> {
  const { path, bytes } = await files.finish(row.path);
  const endAt = Math.max(row.startAt + 1, row.endAt);
  const segment = { ...row, id: newId('seg'), path, bytes, endAt, hasMotion: false, protected: false };
  index.add(segment);
  return segment;
}

/**
 * Cuts the torn end off a `.part` and makes it a segment.
 * @param notAfter where the next one begins, when it is known
 */
export async function salvagePart(
  part: PartFacts,
  tools: CloseTools,
  notAfter: () => number = () => Number.POSITIVE_INFINITY,
): Promise<Segment> {
  const { path, folder, camera, format, startAt, endReason, facts } = part;
  await tools.files.trim(path + PART_SUFFIX, facts.wholeBytes);
  const endAt = Math.min(notAfter(), startAt + facts.durationMs);
  const { frames, codec } = facts;
  return finishPart({ camera, folder, path, startAt, endAt, frames, format, codec, endReason }, tools);
}

/**
 * What became of a segment: its row, the monotonic time of the last picture in the file, why ffmpeg ended badly, and how many
 * pictures were given to it that are not in the file.
 */
export type Closed = {
  readonly segment: Segment | null;
  readonly lastMonoMs: number | null;
  readonly error: NvrError | null;
  readonly lost: number;
};

/**
 * Closes a segment. When ffmpeg did not end well, the file is salvaged and `endReason` is `recorderFailed`.
 * @param endAt where it ends, asked when the file is complete; `null` when nothing follows: its own last picture plus the median
 * @throws NvrError when the disk or the database fails; the `.part` is then left for adoption
 */
export async function closeSegment(
  writer: SegmentWriter,
  endReason: EndReason,
  endAt: () => number | null,
  tools: CloseTools,
): Promise<Closed> {
  const { path, start, codec, frames } = writer;
  const { camera, folder, format, startAt } = start;
  const end = await writer.end(tools.finishMs);
  let { error } = end;
  // A whole file need not hold all that was given: ffmpeg may not have read its input to the end.
  const inFile = end.interrupted ? ((await readFacts(partOf(writer, tools), format))?.frames ?? 0) : frames;
  if (!error && inFile < frames)
    error = new NvrError('timeout', `ffmpeg did not take ${frames - inFile} of ${frames} pictures in time`);
  if (!error) {
    const row = { camera, folder, path, startAt, endAt: endAt() ?? writer.endAt, frames, format, codec, endReason };
    return { segment: await finishPart(row, tools), lastMonoMs: writer.lastMonoMs, error, lost: 0 };
  }
  const bad = endReason === 'shutdown' ? endReason : 'recorderFailed';
  tools.log.warn({ code: error.code, error: error.message, path }, 'Recording ended badly; keeping what is whole');
  const broken = path + PART_SUFFIX;
  const facts = await readFacts(partOf(writer, tools), format).catch((cause) => {
    throw toNvrError(cause);
  });
  if (!facts) {
    // Smaller than its first picture: nothing but a head, there is no picture to keep.
    const size = (await tools.files.size(broken)) ?? 0;
    if (size < start.first.data.byteLength) await tools.files.remove(broken);
    else await tools.files.quarantine(broken);
    return { segment: null, lastMonoMs: null, error, lost: frames };
  }
  const part = { path, folder, camera, format, startAt, endReason: bad, facts } as const;
  const segment = await salvagePart(part, tools, () => endAt() ?? Number.POSITIVE_INFINITY);
  const lost = Math.max(0, frames - facts.frames);
  return { segment, lastMonoMs: start.first.monoMs + facts.lastMs, error, lost };
}

const partOf = ({ path }: SegmentWriter, { files }: CloseTools) => files.absolute(path + PART_SUFFIX);
