// Days of a history without holes, for plots.

const DAY_MS = 86_400_000;

/** One bar: `at` is the day's noon, seconds since the epoch, so that it stands in the middle of its day. */
export type DayBar = { readonly at: number; readonly bytes: number };

/** The last `days` days until now, oldest first; days without recordings are zero. Days are those of UTC. */
export function lastDays(
  history: readonly { readonly day: string; readonly bytes: number }[],
  days: number,
  nowMs: number,
): DayBar[] {
  const bytes = new Map(history.map((one) => [one.day, one.bytes]));
  const today = Math.floor(nowMs / DAY_MS);
  return Array.from({ length: days }, (_, n) => {
    const startMs = (today - days + 1 + n) * DAY_MS;
    const day = new Date(startMs).toISOString().slice(0, 10);
    return { at: (startMs + DAY_MS / 2) / 1000, bytes: bytes.get(day) ?? 0 };
  });
}
