// The process: configuration, start, signals, exit code. The app is loaded only when signals are heard: on a small
// machine that takes seconds, in which a SIGTERM would be a death instead of an end.

import pino from 'pino';
import type { PerchApp } from './app.ts';
import { type Config, readConfig } from './config.ts';
import { isNvrError } from './core/nvr-error.ts';

/** SIGTERM to exit: the public interface promises five seconds. */
const STOP_DEADLINE_MS = 4700;
/** The last lines get this long to reach whoever reads them. */
const FLUSH_MS = 200;
const LOG_BUFFER_BYTES = 4 * 1024 * 1024;
/** How often a data directory that is not there is looked for. */
const DATA_LOOK_MS = 2000;
const EXIT_BAD_CONFIG = 2;
const EXIT_FAILED = 1;

let config: Config;
try {
  config = readConfig(process.env);
} catch (error) {
  process.stderr.write(`perch: ${(error as Error).message}\n`);
  process.exit(EXIT_BAD_CONFIG);
}

/** Lines wait here when whoever reads them does not; beyond it new ones are dropped. A log must never hold a recorder. */
// minLength 1, not 0: with 0 its `flush` does not wait.
const output = pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: LOG_BUFFER_BYTES });
output.on('error', () => {}); // a reader that is gone (`npm start | head`) is no reason to stop recording
const log = pino(
  {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['req.headers.authorization', 'req.headers.cookie'],
  },
  output,
);

/** Ends the process when the log is written; all else is closed by now. */
function exit(code: number): void {
  // A pipe that nobody reads holds a thread in `write`, for which `process.exit` would wait for ever.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), FLUSH_MS);
  output.flush(() => process.exit(code));
}

let stopping: Promise<void> | null = null;
let app: PerchApp | null = null;
/** From here on there may be something to close. */
let isOpen = false;

/** Ends the process once; a repeated signal changes nothing and never shortens the clean end. */
function stop(reason: string, exitCode: number): void {
  if (stopping) return;
  if (!isOpen) process.exit(exitCode);
  log.info({ reason }, 'Stopping: saying goodbye to the cameras, closing recordings');
  const deadline = setTimeout(() => {
    log.error({}, 'The clean end took too long; leaving now');
    exit(EXIT_FAILED);
  }, STOP_DEADLINE_MS);
  stopping = (async () => {
    let code = exitCode;
    try {
      // A signal during the start: let it come up (it takes under a second), then end it in order.
      await starting.catch(() => {});
      await app?.stop();
      log.info({}, 'Stopped');
    } catch (error) {
      log.error({ err: error }, 'The clean end failed');
      code = EXIT_FAILED;
    }
    clearTimeout(deadline);
    exit(code);
  })();
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal, 0));
// A recorder goes on: a lost promise harms one request or one camera, which its owner retries.
process.on('unhandledRejection', (error) => log.error({ err: error }, 'A promise failed and nobody was listening'));
// After this nothing can be trusted: close what is open and let the supervisor outside (compose, systemd) start anew.
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'Unexpected exception');
  stop('uncaughtException', EXIT_FAILED);
});

/** Starts, and starts anew when the data directory went and came back, or could not be written and now can. */
async function start(port: number): Promise<void> {
  log.info({ dataDir: config.dataDir }, 'Starting');
  const { createApp, isDataMissing, knownDataFile, rememberData } = await import('./app.ts');
  const { startDemo } = await import('./demo.ts');
  // Loading holds the event loop: a signal that came meanwhile is heard in this turn.
  await new Promise<void>((resolve) => setImmediate(resolve));
  const isDemo = process.argv.includes('--demo');
  const known = knownDataFile(process.env);
  if (!isDemo) await waitForData(known, () => isDataMissing(known, config.dataDir));
  isOpen = true;
  app = isDemo ? await startDemo(config, log) : createApp({ config: { ...config, port }, log });
  const { readOnly, reopen } = app;
  const listening = await app.start();
  if (!isDemo && readOnly === null) rememberData(known, config.dataDir);
  void reopen.then((reason) => restart(reason, listening.port));
  output.write(`\nPerch is running. Open ${listening.url} in a browser.\n\n`);
}

/** The empty place of a disk that is not mounted is not a new installation. */
async function waitForData(known: string, isMissing: () => boolean): Promise<void> {
  for (let isSaid = false; isMissing(); isSaid = true) {
    if (!isSaid) {
      log.error(
        {},
        `The data directory ${config.dataDir} held a Perch on a disk that is not there: is it mounted? Waiting`,
      );
      output.write(`perch: to begin anew in ${config.dataDir}, stop Perch and delete ${known}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, DATA_LOOK_MS));
  }
}

function restart(reason: string, port: number): void {
  if (stopping) return;
  log.warn({ dataDir: config.dataDir }, `The data directory ${reason}: starting anew`);
  const old = app;
  app = null;
  starting = (async () => {
    await old?.stop().catch((error: unknown) => log.warn({ err: error }, 'The end on the old data directory failed'));
    await start(port);
  })();
  starting.catch(fail);
}

async function fail(error: unknown): Promise<void> {
  if (isNvrError(error) && error.code !== 'internal') process.stderr.write(`perch: ${error.message}\n`);
  else log.fatal({ err: error }, 'Perch could not start');
  // A signal came meanwhile: `stop` ends what there is.
  if (stopping) return;
  await app?.stop().catch(() => {});
  exit(isNvrError(error, 'bad_input') ? EXIT_BAD_CONFIG : EXIT_FAILED);
}

let starting = start(config.port);
starting.catch(fail);
