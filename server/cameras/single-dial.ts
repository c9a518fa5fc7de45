// One dial outside the life of a camera (a test, a look at a recorder's channels): bounded in time, its steps told, its
// failure a sentence.

import type { DriverSettings } from '../core/camera-config.ts';
import { type Clock, sessionTime } from '../core/clock.ts';
import { DialProgress, dialPlan, type ReachedStep } from '../core/dial-step.ts';
import type { Logger } from '../core/logger.ts';
import { type ErrorCode, isNvrError, NvrError, toNvrError } from '../core/nvr-error.ts';
import type { CameraDriver, DriverContext } from '../drivers/driver.ts';
import type { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import type { Camera } from './camera.ts';
import type { Fleet } from './fleet.ts';
import { checkDriverSettings } from './settings-check.ts';

/** A driver promises to be gone two seconds after its end; then the answer no longer waits for it. */
const GONE_AFTER_MS = 2500;
/** At the same time; more wait for nothing and are refused. */
export const MAX_DIALS = 4;

/**
 * What to dial with. `camera`: id or slug whose stored secrets a masked value stands for; `source`: those of its second
 * source (`sub`), where that has some, or of the camera itself.
 */
export type DialInput = {
  driver: string;
  settings: Record<string, unknown>;
  camera?: string;
  source?: 'main' | 'sub';
};

/** Who asks. */
export type DialListener = {
  /** The caller went away. */
  readonly signal?: AbortSignal;
  /** Told of each step as it is reached. */
  readonly onStep?: (step: ReachedStep) => void;
};

/** What the camera did wrong. */
export type DialFailure = {
  readonly ok: false;
  readonly error: { readonly code: ErrorCode; readonly message: string };
};

/** What dials need. */
export type SingleDialsOptions = {
  readonly fleet: Fleet;
  readonly drivers: DriverRegistry;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
};

/** A dial that may begin: its settings are right by themselves. */
export type ReadyDial = {
  readonly driver: CameraDriver;
  readonly settings: DriverSettings;
  readonly camera: Camera | null;
};

/** What a dial's work gets. */
export type DialWork<T> = (context: DriverContext, progress: DialProgress) => Promise<T>;

/** Dials of one process that belong to no camera; they share one bound. */
export class SingleDials {
  readonly #options: SingleDialsOptions;
  #running = 0;

  constructor(options: SingleDialsOptions) {
    this.#options = options;
  }

  /**
   * Checks what is to be dialled.
   * @throws NvrError `bad_input` for settings that are wrong by themselves, `not_found` for an unknown `camera`
   */
  prepare(input: DialInput): ReadyDial {
    const { fleet, drivers } = this.#options;
    const driver = drivers.get(input.driver);
    const camera = input.camera === undefined ? null : fleet.get(input.camera);
    const sources = [input.source === 'sub' ? camera?.config.subSource : null, camera?.config];
    const stored = sources.find((source) => source?.driver === driver.id)?.settings ?? null;
    return { driver, settings: checkDriverSettings(driver, input.settings, stored), camera };
  }

  /**
   * Runs the work until it is done or `limitMs` have passed.
   * @returns what the work returned, or what the camera did wrong
   * @throws NvrError `unavailable` when too many dials run
   */
  async run<T>(
    driver: CameraDriver,
    limitMs: number,
    { signal: caller, onStep = () => {} }: DialListener,
    work: DialWork<T>,
  ): Promise<T | DialFailure> {
    if (this.#running >= MAX_DIALS)
      throw new NvrError('unavailable', 'Other camera tests are running; try again in a moment');
    this.#running++;
    const { clock, net, log } = this.#options;
    const beganMs = clock.monoMs();
    const progress = new DialProgress(dialPlan(driver.steps), () => clock.monoMs() - beganMs, onStep);
    const end = new AbortController();
    const giveUp = () =>
      end.abort(new NvrError('timeout', progress.waitingFor?.late ?? `Nothing came within ${limitMs / 1000} s`));
    const timer = clock.after(limitMs, giveUp);
    const hung = Promise.withResolvers<never>();
    const tooLate = () => hung.reject(new NvrError('internal', 'The driver did not stop when it was told to'));
    const patience = clock.after(limitMs + GONE_AFTER_MS, tooLate);
    const signal = caller ? AbortSignal.any([caller, end.signal]) : end.signal;
    // Its own memory: a test must not take over the port of the camera that is running.
    const memory = { load: () => null, save: () => {} };
    const step = (id: string, detail?: string) => progress.reach(id, detail);
    const context = { clock, net, log, signal, memory, time: sessionTime(clock), step };
    try {
      return await Promise.race([work(context, progress), hung.promise]);
    } catch (error) {
      const failure =
        end.signal.aborted && !isNvrError(error, 'internal') ? toNvrError(end.signal.reason) : toNvrError(error);
      if (failure.code === 'internal') log.error({ err: error }, 'The driver failed unexpectedly in a camera test');
      const message = failure.code === 'internal' ? 'Perch made a mistake; see the log' : failure.message;
      return { ok: false, error: { code: failure.code, message } };
    } finally {
      timer.cancel();
      patience.cancel();
      this.#running--;
    }
  }
}
