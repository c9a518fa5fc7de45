// When to ask a snapshot camera again. Pure.

/** A camera gets this share of the time of its last answer to itself, so that polling never takes all of it. */
const REST_SHARE = 0.25;

/**
 * Milliseconds to wait after an answer before the next request.
 * @param tookMs from the request to the end of its answer
 */
export function restMs(intervalMs: number, tookMs: number): number {
  return Math.max(intervalMs - tookMs, tookMs * REST_SHARE, 0);
}
