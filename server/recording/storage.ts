// What recordings take, and how long the disk lasts at this pace. Figures come from the index and the file system alone.

import type { RecordingSettings } from '../core/camera-config.ts';
import type { FolderDay, FolderTotals, SegmentIndex } from '../store/segment-index.ts';
import { diskSpace } from './disk-guard.ts';
import { type Outlook, project } from './projection.ts';
import { type GlobalLimits, minFreeBytes } from './retention.ts';

const DAY_MS = 86_400_000;
/** The pace is that of the last days. */
const PACE_DAYS = 7;
/** Less than this says nothing about a day. */
const MIN_PACE_MS = 10 * 60_000;

/** One folder's figures. */
export type FolderStorage = Outlook & {
  readonly folder: string;
  readonly bytes: number;
  readonly segments: number;
  /** Of these, what has no place on the timeline: the clock was set back, and its time came again. */
  readonly displaced: { readonly segments: number; readonly bytes: number };
  readonly oldestAt: number | null;
  readonly bytesPerDay: number | null;
  /** What there is of each of the last days, oldest first; days without recordings are left out. */
  readonly history: readonly FolderDay[];
};

/** All figures. */
export type StorageFigures = {
  readonly bytesFree: number;
  readonly bytesTotal: number;
  /** What is kept free on this disk. */
  readonly minFreeBytes: number;
  /** Limit over all cameras. */
  readonly maxBytes: number | null;
  readonly folders: FolderStorage[];
};

/** A folder and its limits. */
export type StoredCamera = { readonly folder: string; readonly retention: RecordingSettings['retention'] };

/** What the figures are read from. */
export type StorageQuestion = {
  /** `DATA/recordings`, whose disk it is about. */
  readonly root: string;
  readonly index: SegmentIndex;
  readonly cameras: readonly StoredCamera[];
  readonly limits: GlobalLimits;
  readonly nowMs: number;
  /** How many days of history. */
  readonly days: number;
  /** A folder's pace and rule as they would be, instead of what they were: "what if?". */
  readonly instead?: FolderPlan;
};

/** How a folder would grow. */
export type FolderPlan = StoredCamera & { readonly bytesPerDay: number };

/** Reads the figures. A file system that cannot be asked has nothing free. */
export async function readStorage(question: StorageQuestion): Promise<StorageFigures> {
  const { root, index, cameras, limits, nowMs, days, instead } = question;
  const disk = (await diskSpace(root)) ?? { freeBytes: 0, totalBytes: 0 };
  const keptFree = Math.ceil(minFreeBytes(limits.minFreeBytes, disk.totalBytes));
  const today = Math.floor(nowMs / DAY_MS);
  const totals: Pick<FolderTotals, 'folder' | 'bytes' | 'segments'>[] = index.totals();
  if (instead && !totals.some(({ folder }) => folder === instead.folder)) {
    totals.push({ folder: instead.folder, bytes: 0, segments: 0 });
  }
  const displaced = new Map(index.displacedTotals().map(({ folder, ...sums }) => [folder, sums]));
  const folders = totals.map(({ folder, bytes, segments }) => {
    const oldestAt = index.firstStart(folder);
    const plan = instead?.folder === folder ? instead : null;
    const rule = (plan ?? cameras.find((camera) => camera.folder === folder))?.retention;
    const history = days > 0 ? index.days(folder, today - days + 1, today) : [];
    const bytesPerDay = plan ? plan.bytesPerDay : pace(index, folder, nowMs);
    return {
      ...{ folder, bytes, segments, oldestAt, bytesPerDay, history, rule },
      displaced: displaced.get(folder) ?? { segments: 0, bytes: 0 },
    };
  });
  const projected = folders.map(({ bytes, bytesPerDay, oldestAt, rule }) => ({
    ...{ bytes, ageDays: oldestAt === null ? 0 : (nowMs - oldestAt) / DAY_MS, rule: rule ?? {} },
    // A camera that is gone writes nothing any more.
    bytesPerDay: rule ? bytesPerDay : null,
  }));
  const outlooks = project(projected, limits.maxBytes, disk.freeBytes - keptFree);
  return {
    ...{ bytesFree: disk.freeBytes, bytesTotal: disk.totalBytes, minFreeBytes: keptFree, maxBytes: limits.maxBytes },
    folders: folders.map(({ rule: _, ...folder }, n) => ({ ...folder, ...outlooks[n]! })),
  };
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
