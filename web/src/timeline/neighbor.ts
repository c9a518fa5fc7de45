// Which recording "previous" and "next" mean. Pure. Times are epoch milliseconds.

/** Previous recording: so long after a begin it means this one. */
const BACK_MS = 3000;
/** A picture that stands at a begin may be said to be a little before it. */
export const BEGIN_SLACK_MS = 50;

/**
 * Where to go from a moment; `null`: nowhere. As every player does it: back goes to the begin first, unless that was a moment ago.
 * @param starts begins of the recordings around it; those up to `at` and {@link BEGIN_SLACK_MS} are on this side of it
 */
export function neighborStart(starts: readonly number[], at: number, direction: 1 | -1): number | null {
  const here = at + BEGIN_SLACK_MS;
  if (direction > 0) return starts.filter((start) => start > here).sort((a, b) => a - b)[0] ?? null;
  const [current, previous] = starts.filter((start) => start <= here).sort((a, b) => b - a);
  if (current !== undefined && at - current > BACK_MS) return current;
  return previous ?? null;
}
