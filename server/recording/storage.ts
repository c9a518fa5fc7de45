// What recordings take, and how long the disk lasts at this pace. Figures come from the index and the file system alone.

import { statfs } from 'node:fs/promises';
import type { RecordingSettings } from '../core/camera-config.ts';
import type { SegmentIndex } from '../store/segment-index.ts';

const DAY_MS = 86_400_000;
/** The pace is that of the last days. */
const PACE_DAYS = 7;
/** Less than this says nothing about a day. */
const MIN_PACE_MS = 10 * 60_000;

/** One folder's figures. */
export type FolderStorage = {
  readonly folder: string;
  readonly bytes: number;
  readonly segments: number;
  readonly oldestAt: number | null;
  readonly bytesPerDay: number | null;
  readonly daysLeft: number | null;
};

/** All figures. */
export type StorageFigures = {
  readonly bytesFree: number;
  readonly bytesTotal: number;
  readonly folders: FolderStorage[];
};

/** A folder and its limit. */
export type StoredCamera = { readonly folder: string; readonly retention: RecordingSettings['retention'] };

/** Reads the figures. A file system that cannot be asked has nothing free. */
export async function readStorage(
  dataDir: string,
  index: SegmentIndex,
  cameras: readonly StoredCamera[],
  nowMs: number,
): Promise<StorageFigures> {
  const disk = await statfs(dataDir).catch(() => null);
  const bytesFree = disk ? disk.bavail * disk.bsize : 0;
  const totals = index.totals();
  const paces = new Map(totals.map(({ folder }) => [folder, pace(index, folder, nowMs)]));
  const pacePerDay = [...paces.values()].reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  const folders = totals.map(({ folder, bytes, segments }) => {
    const bytesPerDay = paces.get(folder) ?? null;
    const limit = cameras.find((camera) => camera.folder === folder)?.retention.maxBytes;
    const untilDiskFull = pacePerDay > 0 ? bytesFree / pacePerDay : null;
    const untilLimit = limit !== undefined && bytesPerDay ? Math.max(0, limit - bytes) / bytesPerDay : null;
    const daysLeft = bytesPerDay ? Math.min(untilDiskFull ?? Number.MAX_VALUE, untilLimit ?? Number.MAX_VALUE) : null;
    return { folder, bytes, segments, oldestAt: index.firstStart(folder), bytesPerDay, daysLeft };
  });
  return { bytesFree, bytesTotal: disk ? disk.blocks * disk.bsize : 0, folders };
}

/** Bytes that a day takes, from what was really written lately; `null` when there is too little to tell. */
function pace(index: SegmentIndex, folder: string, nowMs: number): number | null {
  const today = Math.floor(nowMs / DAY_MS);
  const days = index.days(folder, today - PACE_DAYS + 1, today);
  const [first] = days;
  const firstStart = index.firstStart(folder);
  if (!first || firstStart === null) return null;
  const spanMs = nowMs - Math.max(first.day * DAY_MS, firstStart);
  if (spanMs < MIN_PACE_MS) return null;
  return Math.round((days.reduce((sum, { bytes }) => sum + bytes, 0) * DAY_MS) / spanMs);
}
