// Delays between tries: exponential with full jitter, so that many cameras behind one dead switch do not dial in step.

/** Bounds of a retry schedule, in milliseconds. */
export type RetryPolicy = { readonly minMs: number; readonly maxMs: number };

/**
 * The delay before try number `attempt` (0 = the first retry): full jitter over a window that doubles from `minMs`
 * to `maxMs`, and never under half of `minMs` so that a lucky draw is not a busy loop.
 * @param random uniform in [0, 1)
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  const window = Math.min(policy.maxMs, policy.minMs * 2 ** Math.min(attempt, 30));
  return Math.max(policy.minMs / 2, Math.round(window * random));
}
