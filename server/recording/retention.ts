// How long recordings stay. The choices are pure; the worker deletes a few at a time so that nothing else waits.

import type { RecordingSettings } from '../core/camera-config.ts';
import type { Logger } from '../core/logger.ts';
import type { Segment } from '../store/segment-index.ts';
import { type DeletionTools, deleteSegments } from './deletion.ts';
import { diskSpace, floorBytes, RESUME_FACTOR } from './disk-guard.ts';

const DAY_MS = 86_400_000;
/** Segments deleted before other work gets its turn. */
const BATCH = 20;
/** Free space that is kept unless told otherwise: the smaller of these. */
const MIN_FREE_PART = 0.05;
const MIN_FREE_BYTES = 2_000_000_000;

/** A camera's rule. Nothing given: keep for ever. */
export type RetentionRule = RecordingSettings['retention'];

/** Limits over all cameras; `null`: no limit, and the default for what is kept free. */
export type GlobalLimits = { readonly maxBytes: number | null; readonly minFreeBytes: number | null };

/** Free space to keep on a disk of this size. Always enough for recording to go on after the disk was full. */
export function minFreeBytes(limit: number | null, totalBytes: number): number {
  const wanted = limit ?? Math.min(MIN_FREE_BYTES, totalBytes * MIN_FREE_PART);
  return Math.max(wanted, floorBytes(totalBytes) * RESUME_FACTOR + 1);
}

/**
 * Which of a folder's oldest segments must go, oldest first.
 * @param oldest unprotected segments, oldest first; may be only the first ones of many
 * @param totalBytes of all segments in the folder
 */
export function chooseDoomed(
  oldest: readonly Segment[],
  totalBytes: number,
  rule: RetentionRule,
  nowMs: number,
): Segment[] {
  const before = rule.days === undefined ? Number.NEGATIVE_INFINITY : nowMs - rule.days * DAY_MS;
  const allowed = rule.maxBytes ?? Number.POSITIVE_INFINITY;
  const doomed: Segment[] = [];
  let bytes = totalBytes;
  for (const segment of oldest) {
    if (segment.endAt > before && bytes <= allowed) break;
    doomed.push(segment);
    bytes -= segment.bytes;
  }
  return doomed;
}

/** The oldest segments that free so many bytes. Oldest of all cameras first: every camera keeps the same time. */
export function chooseToFree(oldest: readonly Segment[], bytes: number): Segment[] {
  const doomed: Segment[] = [];
  let left = bytes;
  for (const segment of oldest) {
    if (left <= 0) break;
    doomed.push(segment);
    left -= segment.bytes;
  }
  return doomed;
}

/** Deletes what `choose` gives until it gives less than a batch. @returns how many went */
async function deleteWhile(
  choose: () => readonly Segment[] | Promise<readonly Segment[]>,
  tools: DeletionTools,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const doomed = await choose();
    const { deleted, failed } = await deleteSegments(doomed, tools);
    count += deleted.length;
    // The rows are doomed: not listed any more, and the next start unlinks what the disk refused now.
    for (const { message } of failed) log.warn({ error: message }, 'An old recording could not be deleted');
    if (doomed.length < BATCH) break;
    await tools.room?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return count;
}

/** Applies one folder's rule until it holds. @returns how many segments went */
export async function applyRetention(
  folder: string,
  rule: RetentionRule,
  tools: DeletionTools,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  if (rule.days === undefined && rule.maxBytes === undefined) return 0;
  const choose = () => {
    const totalBytes = tools.index.totals().find((totals) => totals.folder === folder)?.bytes ?? 0;
    return chooseDoomed(tools.index.oldest(folder, BATCH), totalBytes, rule, tools.clock.wallMs());
  };
  return deleteWhile(choose, tools, log, signal);
}

/** Applies the limits over all cameras until they hold or nothing may go any more. @returns how many segments went */
export async function applyGlobalLimits(
  limits: GlobalLimits,
  tools: DeletionTools,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  const choose = async () => {
    const used = tools.index.totals().reduce((sum, { bytes }) => sum + bytes, 0);
    const space = await diskSpace(tools.files.root);
    const tooMany = limits.maxBytes === null ? 0 : used - limits.maxBytes;
    const tooFew = space ? minFreeBytes(limits.minFreeBytes, space.totalBytes) - space.freeBytes : 0;
    return chooseToFree(tools.index.oldestOfAll(BATCH), Math.max(tooMany, tooFew));
  };
  return deleteWhile(choose, tools, log, signal);
}
