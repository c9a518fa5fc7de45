// What `npm run simulate` knows of a driver's simulator, and the options that all of them have.

import type { NvrError } from '../core/nvr-error.ts';
import type { OptionTable, OptionValues } from './command-line.ts';

const probability = { type: 'number', default: 0, min: 0, max: 1 } as const;

/** Options of every simulator. */
export const commonOptions = {
  host: { type: 'text', value: 'ADDRESS', default: '127.0.0.1', help: "the camera's own IPv4 address" },
  source: {
    type: 'text',
    value: 'SOURCE',
    default: 'testsrc',
    help: 'testsrc, counter (needs no ffmpeg), or a picture or video file',
  },
  fps: { type: 'number', default: 12, min: 0.1, max: 60, help: 'pictures per second' },
  width: { type: 'integer', default: 640, min: 16, max: 1920, help: 'pixels' },
  height: { type: 'integer', default: 480, min: 16, max: 1080, help: 'pixels' },
  loss: { ...probability, help: 'share of datagrams lost, each way' },
  duplicate: { ...probability, help: 'share of datagrams that come twice' },
  reorder: { ...probability, help: 'share of datagrams overtaken by up to four others' },
  garbage: { ...probability, help: 'share of datagrams with random bytes in front of them' },
  corrupt: { ...probability, help: 'share of datagrams with flipped bits' },
  delay: { type: 'number', default: 0, min: 0, max: 10_000, help: 'milliseconds that each datagram takes' },
  jitter: { type: 'number', default: 0, min: 0, max: 10_000, help: 'milliseconds that it may take longer' },
  seed: { type: 'integer', default: 1, min: 0, max: 2 ** 31, help: 'the same seed gives the same faults' },
} as const satisfies OptionTable;

/** A source of a camera, as in the body of `POST /api/cameras`. */
export type SimulatedSource = { readonly driver: string; readonly settings: Readonly<Record<string, unknown>> };

/** A running simulation. */
export interface Simulation extends AsyncDisposable {
  /** How to add each of its cameras, as the body of `POST /api/cameras`. */
  readonly cameras: ReadonlyArray<SimulatedSource & { readonly subSource?: SimulatedSource }>;
  /** What the user should hear about (a login that was refused for its own good), once. */
  takeWarnings(): readonly string[];
  /** Out of reach, or back again. */
  setPresent(isPresent: boolean): void;
}

/** One driver's simulator, started from the command line. */
export type SimulationCommand<T extends OptionTable = OptionTable> = {
  readonly driver: string;
  readonly description: string;
  readonly options: T;
  /** @throws NvrError `bad_input` for what the table cannot check; others when ports or ffmpeg fail */
  start(values: OptionValues<T>, onPicturesEnd: (error: NvrError) => void): Promise<Simulation>;
};
