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

const starting: Promise<void> = (async () => {
  log.info({ dataDir: config.dataDir }, 'Starting');
  const { createApp } = await import('./app.ts');
  const { startDemo } = await import('./demo.ts');
  // Loading holds the event loop: a signal that came meanwhile is heard in this turn.
  await new Promise<void>((resolve) => setImmediate(resolve));
  isOpen = true;
  app = process.argv.includes('--demo') ? await startDemo(config, log) : createApp({ config, log });
  const { url } = await app.start();
  output.write(`\nPerch is running. Open ${url} in a browser.\n\n`);
})();

starting.catch(async (error: unknown) => {
  if (isNvrError(error) && error.code !== 'internal') process.stderr.write(`perch: ${error.message}\n`);
  else log.fatal({ err: error }, 'Perch could not start');
  // A signal came meanwhile: `stop` ends what there is.
  if (stopping) return;
  await app?.stop().catch(() => {});
  exit(isNvrError(error, 'bad_input') ? EXIT_BAD_CONFIG : EXIT_FAILED);
});
