// `npm test` and `npm run check`: types, lint, then every test in one `node --test` run, whose summary ends the output.
// `npm run soak`: the long ones (`*.soak.ts`), for the machine of whoever changes recording, the tunnel or the supervisor.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

// Two cores are the smallest machine we care for. Three at a time save a minute, and show pictures too late.
const CONCURRENCY = 2;
/** Files that may fail among others and be tried alone. */
const MAX_SECOND_TRIES = 6;
/** For one file: the longest drives a browser through the whole product. */
const FILE_TIMEOUT_MS = 300_000;
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

const isBrowserTest = (file) => /(^|\/)browser[^/]*\.test\.ts$/.test(file);
const all =
  positionals.length > 0
    ? positionals
    : globSync(
        values.soak
          ? ['server/**/*.soak.ts']
          : ['server/**/*.test.ts', 'scripts/**/*.test.mjs', 'web/src/**/*.test.ts'],
      ).sort();
// Whole-app tests first: they are the longest, and short ones fill the gap at the end. A browser among every few of them:
// two at once on two cores show pictures too late.
const OTHERS_PER_BROWSER = 4;
const whole = all.filter((file) => file.startsWith('server/test/') && !isBrowserTest(file));
const browsers = values.browser ? all.filter(isBrowserTest) : [];
const files = [
  ...whole.flatMap((file, n) => (n % OTHERS_PER_BROWSER === 0 ? [...browsers.splice(0, 1), file] : [file])),
  ...browsers,
  ...all.filter((file) => !file.startsWith('server/test/') && !isBrowserTest(file)),
];

if (positionals.length === 0 && !values.soak) {
  step('types (server)', 'tsc', ['--noEmit']);
  if (existsSync('web/tsconfig.json')) step('types (web)', 'tsc', ['--noEmit', '-p', 'web']);
  step('lint and format', 'biome', ['check', '.']);
}
const failedList = join(mkdtempSync(join(tmpdir(), 'perch-tests-')), 'failed');
const testArgs = (concurrency, list) => [
  '--test',
  ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
  ...['--test-reporter=./scripts/lib/failed-files.mjs', `--test-reporter-destination=${failedList}`],
  `--test-concurrency=${concurrency}`,
  `--test-timeout=${values.soak ? SOAK_FILE_TIMEOUT_MS : FILE_TIMEOUT_MS}`,
  ...list,
];

// Whole apps, browsers and ffmpeg share two cores: what fails among others is tried once more, alone, and both are seen.
// What fails twice is red; many failures are no accident.
const { status } = spawnSync(process.execPath, testArgs(CONCURRENCY, files), { stdio: 'inherit' });
if (status !== 0) {
  const failed = existsSync(failedList)
    ? [...new Set(readFileSync(failedList, 'utf8').split('\n').filter(Boolean))]
    : [];
  if (positionals.length > 0 || failed.length === 0 || failed.length > MAX_SECOND_TRIES) process.exit(status || 1);
  process.stdout.write(`perch: FAILED the first time, tried once more alone: ${failed.join(', ')}\n`);
  step(`tests, second try (${failed.length} files)`, process.execPath, testArgs(1, failed));
}
