// How often a camera's video could not be played here. Counted for a codec: another one is tried afresh. Pure.

/** So many failures, and pictures are asked for instead. */
const MAX_FAILURES = 3;

/** Failures in a row with one codec. */
export type Failures = { readonly codec: string | null; readonly count: number };

export const noFailures: Failures = { codec: null, count: 0 };

/**
 * @param codec what the camera sends now
 * @param reason `codec`: this browser does not play it, so it is not tried again
 */
export function failed(before: Failures, codec: string | null, reason: 'codec' | 'broken'): Failures {
  if (reason === 'codec') return { codec, count: MAX_FAILURES };
  return { codec, count: failuresWith(before, codec) + 1 };
}

/** How often this codec failed. */
export function failuresWith({ codec, count }: Failures, now: string | null): number {
  return codec === now ? count : 0;
}

/** Whether it is still worth trying. */
export function mayTry(failures: Failures, codec: string | null): boolean {
  return failuresWith(failures, codec) < MAX_FAILURES;
}
