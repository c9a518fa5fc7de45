// `npm test` and `npm run check`: types, lint, then every test, as one run of `node --test`.
// `npm run soak`: the long ones (`*.soak.ts`), for the machine of whoever changes recording, the tunnel or the supervisor.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runLanes } from './lib/test-lanes.mjs';

// Two cores are the smallest machine we care for. Tests mostly wait: two at a time, and beside them one with a browser,
// because two browsers at once on two cores show pictures too late.
const CONCURRENCY = 2;
/** Files that may fail among others and be tried alone. */
const MAX_SECOND_TRIES = 6;
/** For one file: the longest drives a browser through the whole product. */
const FILE_TIMEOUT_MS = 300_000;
/** Files named at the end, so that the longest are seen. */
const LONGEST = 8;
/** For one soak file, whose runs are counted in hundreds. */
const SOAK_FILE_TIMEOUT_MS = 3_600_000;

const { values, positionals } = parseArgs({
  options: { browser: { type: 'boolean', default: true }, soak: { type: 'boolean', default: false } },
  allowNegative: true,
  allowPositionals: true,
});

/** Runs one step; ends the whole run when it fails. */
function step(title, command, args) {
  const started = performance.now();
  process.stdout.write(`perch: ${title}\n`);
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) return;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stderr.write(
    `perch: ${title} failed (${error?.message ?? signal ?? `exit code ${status}`}) after ${seconds} s\n`,
  );
  process.exit(status || 1);
}

const isBrowserTest = (file) => /(^|\/)(browser[^/]*|[^/]*chromium)\.test\.ts$/.test(file);
const all =
  positionals.length > 0
    ? positionals
    : globSync(
        values.soak
          ? ['server/**/*.soak.ts']
          : ['server/**/*.test.ts', 'scripts/**/*.test.mjs', 'web/src/**/*.test.ts'],
      ).sort();
// Whole-app tests first: they are the longest, and short ones fill the gap at the end.
const isWhole = (file) => file.startsWith('server/test/');
const others = all.filter((file) => !isBrowserTest(file));
const lanes = [
  { files: [...others.filter(isWhole), ...others.filter((file) => !isWhole(file))], concurrency: CONCURRENCY },
  { files: values.browser ? all.filter(isBrowserTest) : [], concurrency: 1 },
];

if (positionals.length === 0 && !values.soak) {
  step('types (server)', 'tsc', ['--noEmit']);
  if (existsSync('web/tsconfig.json')) step('types (web)', 'tsc', ['--noEmit', '-p', 'web']);
  step('lint and format', 'biome', ['check', '.']);
}
const timeoutMs = values.soak ? SOAK_FILE_TIMEOUT_MS : FILE_TIMEOUT_MS;
const { failed, seconds } = await runLanes(lanes, timeoutMs);
const longest = seconds.slice(0, LONGEST).map(([file, length]) => `${file} ${length.toFixed(0)} s`);
process.stdout.write(`perch: longest: ${longest.join(', ')}\n`);

// Whole apps, browsers and ffmpeg share two cores: what fails among others is tried once more, alone, and both are seen.
// What fails twice is red; many failures are no accident.
if (failed.length > 0) {
  process.stdout.write(`perch: FAILED: ${failed.join(', ')}\n`);
  if (positionals.length > 0 || failed.length > MAX_SECOND_TRIES) process.exit(1);
  process.stdout.write('perch: tried once more, one at a time\n');
  const second = await runLanes([{ files: failed, concurrency: 1 }], timeoutMs);
  if (second.failed.length > 0) process.exit(1);
}
