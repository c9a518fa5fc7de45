// `npm run simulate -- DRIVER [options]`: a simulated camera in the foreground, until a signal ends it.

import { isNvrError, type NvrError } from '../core/nvr-error.ts';
import { explainOptions, type OptionTable, parseOptions } from './command-line.ts';
import { dahuaCommand } from './dahua-p2p/command.ts';
import { httpMjpegCommand, httpSnapshotCommand } from './http-mjpeg/command.ts';
import { iwfcamCommand } from './iwfcam/command.ts';
import { onvifCommand } from './onvif/command.ts';
import { rtspCommand } from './rtsp/command.ts';
import type { SimulationCommand } from './simulation.ts';

const commands = [
  iwfcamCommand,
  dahuaCommand,
  rtspCommand,
  onvifCommand,
  httpMjpegCommand,
  httpSnapshotCommand,
] as readonly unknown[] as readonly SimulationCommand<never>[];

const EXIT_FAILED = 1;
const EXIT_BAD_OPTIONS = 2;
/** How often warnings are looked for; also what keeps the process alive. */
const WATCH_MS = 1000;

function usage(): string {
  const drivers = commands.map(({ driver, description }) => `  ${driver.padEnd(16)}${description}`).join('\n');
  return `npm run simulate -- DRIVER [options]   (DRIVER --help lists its options)\n\n${drivers}`;
}

function help({ driver, description, options }: { driver: string; description: string; options: OptionTable }): string {
  return [
    `npm run simulate -- ${driver} [options]: ${description}`,
    '',
    explainOptions(options),
    '',
    'SIGINT or SIGTERM ends it; SIGUSR2 takes it out of reach and back.',
  ].join('\n');
}

function fail(message: string, exitCode: number): never {
  console.error(`simulate: ${message}`);
  process.exit(exitCode);
}

function failWith(error: unknown): never {
  if (!isNvrError(error)) throw error;
  fail(error.message, error.code === 'bad_input' ? EXIT_BAD_OPTIONS : EXIT_FAILED);
}

async function run(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h') {
    console.log(usage());
    process.exit(name === undefined ? EXIT_BAD_OPTIONS : 0);
  }
  const command = commands.find(({ driver }) => driver === name);
  if (!command)
    fail(
      `there is no simulator "${name}"; there are: ${commands.map(({ driver }) => driver).join(', ')}`,
      EXIT_BAD_OPTIONS,
    );
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(help(command));
    process.exit(0);
  }

  // A signal during the start ends it as soon as there is something to end.
  const ended = Promise.withResolvers<NvrError | null>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.resolve(null));
  const simulation = await command.start(parseOptions(command.options, rest) as never, ended.resolve);
  for (const camera of simulation.cameras) {
    console.log(`Simulated ${camera.driver} camera is on line; add it with ${JSON.stringify(camera)}`);
  }
  const watch = setInterval(() => {
    for (const warning of simulation.takeWarnings()) console.error(`simulate: ${warning}`);
  }, WATCH_MS);
  let isPresent = true;
  process.on('SIGUSR2', () => {
    isPresent = !isPresent;
    simulation.setPresent(isPresent);
    console.error(isPresent ? 'Back again.' : 'Out of reach.');
  });

  const error = await ended.promise;
  clearInterval(watch);
  await simulation[Symbol.asyncDispose]();
  if (error) fail(error.message, EXIT_FAILED);
  process.exit(0);
}

await run(process.argv.slice(2)).catch(failWith);
