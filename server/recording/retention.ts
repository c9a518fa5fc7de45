// How long recordings stay. The choice is pure; the worker deletes a few at a time so that nothing else waits.

import type { RecordingSettings } from '../core/camera-config.ts';
import type { Logger } from '../core/logger.ts';
import { toNvrError } from '../core/nvr-error.ts';
import type { Segment } from '../store/segment-index.ts';
import { type DeletionTools, deleteSegment } from './deletion.ts';

const DAY_MS = 86_400_000;
/** Segments looked at and deleted before other work gets its turn. */
const BATCH = 50;

/** A camera's rule. Nothing given: keep for ever. */
export type RetentionRule = RecordingSettings['retention'];

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

/** Applies one folder's rule until it holds. @returns how many segments went */
export async function applyRetention(
  folder: string,
  rule: RetentionRule,
  tools: DeletionTools,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  if (rule.days === undefined && rule.maxBytes === undefined) return 0;
  let deleted = 0;
  while (!signal.aborted) {
    const totalBytes = tools.index.totals().find((totals) => totals.folder === folder)?.bytes ?? 0;
    const oldest = tools.index.oldest(folder, BATCH);
    const doomed = chooseDoomed(oldest, totalBytes, rule, tools.clock.wallMs());
    for (const segment of doomed) {
      try {
        await deleteSegment(segment, tools);
        deleted++;
      } catch (error) {
        // The row is doomed: it is not listed any more, and the next start unlinks what the disk refused now.
        log.warn({ path: segment.path, error: toNvrError(error).message }, 'An old recording could not be deleted');
      }
    }
    if (doomed.length < BATCH) break;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return deleted;
}
