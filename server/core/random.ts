// Numbers that look random and are the same in every run: simulators, faults and tests are replayed from a seed.
// Never for secrets: those come from node:crypto.

/** Uniform in [0, 1), like `Math.random`. */
export type Random = () => number;

const UINT32 = 2 ** 32;

/** A generator with 32 bits of state (mulberry32): the same seed gives the same sequence on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / UINT32;
  };
}
