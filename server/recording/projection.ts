// How long the space lasts at the pace of now: when limits begin to press, and how much time they leave. Pure.

/** What one camera adds, and what ends its growth. Days and bytes. */
export type Grower = {
  readonly bytes: number;
  readonly bytesPerDay: number;
  /** Its own limit of bytes, or infinity. */
  readonly maxBytes: number;
  /** From now on until its oldest recording reaches the age at which it goes: from then on it grows no more. Or infinity. */
  readonly growsDays: number;
};

/** What presses: the camera's own days or bytes, the limit over all cameras, or the free space that is kept. */
export type Limit = 'days' | 'bytes' | 'total' | 'disk';

/** When one camera is at its own limit of bytes; infinity when its days come first, or it does not grow. */
export function daysToOwnBytes({ bytes, bytesPerDay, maxBytes, growsDays }: Grower): number {
  const days = bytesPerDay > 0 ? Math.max(0, maxBytes - bytes) / bytesPerDay : Number.POSITIVE_INFINITY;
  return days <= growsDays ? days : Number.POSITIVE_INFINITY;
}

/**
 * When all cameras together have so many bytes. Each grows in a line until one of its own limits holds it.
 * @returns days from now; 0 when they have them already; infinity when they never will
 */
export function daysUntilTotal(cameras: readonly Grower[], totalBytes: number): number {
  const ends = cameras.map((camera) => ({
    rate: camera.bytesPerDay,
    at: Math.min(camera.growsDays, daysToOwnBytes(camera)),
  }));
  ends.sort((a, b) => a.at - b.at);
  let missing = totalBytes - cameras.reduce((sum, { bytes }) => sum + bytes, 0);
  if (missing <= 0) return 0;
  let rate = ends.reduce((sum, end) => sum + end.rate, 0);
  let now = 0;
  for (const end of ends) {
    const until = Math.max(now, end.at);
    if (rate > 0 && missing <= rate * (until - now)) break;
    missing -= until > now ? rate * (until - now) : 0;
    rate -= end.rate;
    now = until;
    if (!Number.isFinite(now)) return Number.POSITIVE_INFINITY;
  }
  return rate > 0 && missing > 0 ? now + missing / rate : Number.POSITIVE_INFINITY;
}

/** What a camera's retention and the limits over all make of its pace. `null`: never, or it cannot be told. */
export type Outlook = {
  /** Until a limit of bytes or space begins to press. */
  readonly daysLeft: number | null;
  /** How many days of it there will be in the end. */
  readonly keepsDays: number | null;
  /** What decides that. */
  readonly limitedBy: Limit | null;
};

/** What {@link project} is asked with: a camera's figures and its rule. `bytesPerDay` `null`: too little to tell. */
export type ProjectedCamera = {
  readonly bytes: number;
  readonly bytesPerDay: number | null;
  /** Age of its oldest recording, days. */
  readonly ageDays: number;
  readonly rule: { readonly days?: number; readonly maxBytes?: number };
};

/**
 * The outlook of each camera.
 * @param maxBytes limit over all cameras, or `null`
 * @param spareBytes free space beyond what is kept free; negative when it is below
 */
export function project(cameras: readonly ProjectedCamera[], maxBytes: number | null, spareBytes: number): Outlook[] {
  const used = cameras.reduce((sum, { bytes }) => sum + bytes, 0);
  const byDisk = used + spareBytes;
  const total = Math.min(maxBytes ?? Number.POSITIVE_INFINITY, byDisk);
  const totalLimit: Limit = maxBytes !== null && maxBytes <= byDisk ? 'total' : 'disk';
  const growers = cameras.map(({ bytes, bytesPerDay, ageDays, rule }) => ({
    ...{ bytes, bytesPerDay: bytesPerDay ?? 0, maxBytes: rule.maxBytes ?? Number.POSITIVE_INFINITY },
    growsDays: rule.days === undefined ? Number.POSITIVE_INFINITY : Math.max(0, rule.days - ageDays),
  }));
  const untilTotal = daysUntilTotal(growers, total);
  // From an empty disk: the oldest of all go first, so that in the end every camera has the same days, or fewer by its own rule.
  const fresh = cameras.map(({ rule }, n) => ({
    ...growers[n]!,
    ...{ bytes: 0, growsDays: rule.days ?? Number.POSITIVE_INFINITY },
  }));
  const shared = daysUntilTotal(fresh, total);
  return growers.map((grower, n) => {
    if (grower.bytesPerDay <= 0) return { daysLeft: null, keepsDays: null, limitedBy: null };
    const left = Math.min(untilTotal, daysToOwnBytes(grower));
    const ends: [number, Limit][] = [
      [fresh[n]!.growsDays, 'days'],
      [grower.maxBytes / grower.bytesPerDay, 'bytes'],
      [shared, totalLimit],
    ];
    const [keeps, limitedBy] = ends.reduce((least, end) => (end[0] < least[0] ? end : least));
    const finite = (days: number) => (Number.isFinite(days) ? days : null);
    return { daysLeft: finite(left), keepsDays: finite(keeps), limitedBy: Number.isFinite(keeps) ? limitedBy : null };
  });
}
