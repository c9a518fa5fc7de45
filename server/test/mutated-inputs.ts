// Hostile bytes made from good examples, the same ones for the same seed, and a bound on what they leave behind.

import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NvrError } from '../core/nvr-error.ts';
import { type Random, seededRandom } from '../core/random.ts';

/** `npm run soak` asks for a million. */
const INPUTS = Number(process.env.PERCH_FUZZ_ROUNDS ?? 200_000);
const MAX_GROWTH_BYTES = 20e6;
// Traces of refusals are not looked at, and cost a third of the time.
Error.stackTraceLimit = 0;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = random() * 256;
  return bytes;
}

/** Made from good examples: bytes changed, cut, doubled, or random altogether. */
function mutate(random: Random, examples: readonly Buffer[]): Buffer {
  const pick = (below: number) => Math.floor(random() * below);
  const example = examples[pick(examples.length)]!;
  if (random() < 0.15) return randomBytes(random, pick(64));
  const bytes = Buffer.from(example);
  for (let n = pick(5); n > 0 && bytes.length > 0; n--) bytes[pick(bytes.length)] = pick(256);
  if (random() < 0.3) return bytes.subarray(0, pick(bytes.length + 1));
  return random() < 0.1 ? Buffer.concat([bytes, bytes]) : bytes;
}

/** Runs one target over all inputs. @returns how often it threw an NvrError */
export function fuzz(examples: readonly (string | Buffer)[], target: (bytes: Buffer, random: Random) => void): number {
  const random = seededRandom(5);
  const buffers = examples.map((example) => Buffer.from(example as string));
  let refusals = 0;
  const memory = () => {
    // Twice: the memory of buffers goes when the collection after the one that found them begins.
    collect();
    collect();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  };
  let settled = 0;
  for (let n = 0; n < INPUTS; n++) {
    if (n === INPUTS / 4) settled = memory();
    try {
      target(mutate(random, buffers), random);
    } catch (error) {
      if (!(error instanceof NvrError)) throw error;
      refusals++;
    }
  }
  const growth = memory() - settled;
  assert.ok(growth < MAX_GROWTH_BYTES, `memory grew by ${growth} bytes`);
  return refusals;
}
