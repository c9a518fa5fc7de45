// Keeps one camera alive: carries out what the pure machine decides. The only place that reconnects a camera.

import type { DriverSettings } from '../core/camera-config.ts';
import { type Clock, sessionTime, type Timer } from '../core/clock.ts';
import { DialProgress, dialPlan } from '../core/dial-step.ts';
import type { Frame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import type { CameraDriver, CameraSession, DriverMemory } from '../drivers/driver.ts';
import type { Net } from '../net/net.ts';
import {
  initialState,
  next,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from './supervisor-machine.ts';

/** No whole picture for this long: the session is given up. */
export const WATCHDOG_MS = 10_000;
/** A driver that neither answers nor fails is given up after this. */
export const OPEN_TIMEOUT_MS = 30_000;
/** A driver promises to be gone in two seconds; after this the Supervisor stops waiting for it. */
export const DISPOSE_TIMEOUT_MS = 5000;
const WATCHDOG_TICK_MS = 1000;

/** What a Supervisor needs. */
export type SupervisorOptions = {
  readonly driver: CameraDriver;
  /** The settings at the moment of a dial. */
  readonly settings: () => DriverSettings;
  readonly memory: DriverMemory;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onFrame: (frame: Frame) => void;
  /** A dial waits for the next step now; not called for the first one. */
  readonly onStep?: () => void;
  /** After each change of state; `failure` when the change was a session's or a dial's end. */
  readonly onChange: (state: SupervisorState, before: SupervisorState, failure: NvrError | null) => void;
  /** Finds the camera's new address and stores it; resolves to whether it changed. */
  readonly locate: (signal: AbortSignal) => Promise<boolean>;
};

/** Runs one camera's connection: dial, watch, cool down, back off, and again. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #state: SupervisorState = initialState;
  #wake: Timer | null = null;
  #life: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();
  #locating: AbortController | null = null;
  #session: CameraSession | null = null;
  #progress: DialProgress | null = null;
  #stopped = false;
  #droppedBefore = 0;
  /** Monotonic time of the running life's last picture. */
  #lastPictureMs: number | null = null;
  readonly #goodbyes = new WeakMap<CameraSession, Promise<void>>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** The running session, for facts and counters; `null` between lives. */
  get session(): CameraSession | null {
    return this.#session;
  }

  /** What the dial that is under way waits for, in a few words; `null` when none is. */
  get doing(): string | null {
    return this.#state.kind === 'connecting' ? (this.#progress?.waitingFor?.doing ?? null) : null;
  }

  /** Frames lost on the way, over all sessions. */
  get framesDropped(): number {
    return this.#droppedBefore + (this.#session ? droppedOf(this.#session) : 0);
  }

  /** Wall-clock time of the next dial, or `null` when none is planned. */
  get nextAttemptAt(): number | null {
    if (!('untilMs' in this.#state)) return null;
    const { clock } = this.#options;
    return Math.round(clock.wallMs() + Math.max(0, this.#state.untilMs - clock.monoMs()));
  }

  enable(): void {
    this.#dispatch({ kind: 'enable' });
  }

  /** Leaves and stays away; resolves when the goodbye is said. */
  disable(): Promise<void> {
    this.#dispatch({ kind: 'disable' });
    return this.#running;
  }

  /** Dials anew at once, whatever the wait. */
  restart(): void {
    this.#dispatch({ kind: 'restart' });
  }

  /** Leaves for so long; resolves when the goodbye is said. */
  release(durationMs: number): Promise<void> {
    this.#dispatch({ kind: 'release', untilMs: this.#options.clock.monoMs() + durationMs });
    return this.#running;
  }

  /** Leaves for ever. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.cancel();
    this.#locating?.abort();
    this.#life?.abort();
    await this.#running;
  }

  #dispatch(event: SupervisorEvent, failure: NvrError | null = null): void {
    if (this.#stopped) return;
    const before = this.#state;
    const { state, effects } = next(before, event);
    this.#state = state;
    if (state !== before) {
      this.#wake?.cancel();
      this.#wake = null;
      if (state.kind !== 'backingOff' && state.kind !== 'coolingDown') this.#locating?.abort();
    }
    for (const effect of effects) this.#perform(effect);
    if (state !== before) this.#options.onChange(state, before, failure);
  }

  #perform(effect: SupervisorEffect): void {
    const { clock } = this.#options;
    switch (effect.kind) {
      case 'dial':
        this.#dial();
        break;
      case 'leave':
        this.#life?.abort();
        break;
      case 'wake':
        this.#wake = clock.after(effect.atMs - clock.monoMs(), () =>
          this.#dispatch({ kind: 'timer', nowMs: clock.monoMs() }),
        );
        break;
      case 'locate':
        void this.#locate();
        break;
    }
  }

  /** One life after another: a dial waits until the one before has said goodbye. */
  #dial(): void {
    const life = new AbortController();
    this.#life = life;
    this.#progress = null;
    const before = this.#running;
    this.#running = before.then(async () => {
      if (life.signal.aborted) return;
      this.#lastPictureMs = null;
      const failure = await this.#live(life);
      if (life.signal.aborted) return;
      this.#dispatch(
        {
          kind: 'ended',
          nowMs: this.#options.clock.monoMs(),
          failure: { code: failure.code, message: failure.message },
          coolDownMs: failure.coolDownMs ?? null,
          lastPictureMs: this.#lastPictureMs,
          random: this.#options.random(),
        },
        failure,
      );
    });
  }

  /** One life of the connection; resolves to the reason of its end. Never throws. */
  async #live(life: AbortController): Promise<NvrError> {
    const { driver, settings, clock, net, log, memory } = this.#options;
    const giveUp = new AbortController();
    const signal = AbortSignal.any([life.signal, giveUp.signal]);
    let gaveUp: NvrError | null = null;
    const stop = (reason: NvrError) => {
      gaveUp ??= reason;
      giveUp.abort(reason);
    };
    const tooLong = new NvrError('timeout', `The camera did not answer within ${OPEN_TIMEOUT_MS / 1000} s`);
    const patience = clock.after(OPEN_TIMEOUT_MS, () => stop(tooLong));
    let session: CameraSession | null = null;
    let failure: NvrError;
    try {
      const beganMs = clock.monoMs();
      const progress = new DialProgress(
        dialPlan(driver.steps),
        () => clock.monoMs() - beganMs,
        () => this.#progress === progress && this.#options.onStep?.(),
      );
      this.#progress = progress;
      const step = (id: string, detail?: string) => progress.reach(id, detail);
      const opening = driver.open(settings(), { clock, net, log, signal, memory, time: sessionTime(clock), step });
      session = await this.#orGone(opening, signal, (late) => void this.#dispose(late));
      patience.cancel();
      progress.opened();
      this.#session = session;
      const leaving = session;
      signal.addEventListener('abort', () => void this.#dispose(leaving), { once: true });
      await this.#orGone(this.#watch(session, signal, stop), signal);
      failure = new NvrError('unavailable', 'The camera ended the stream');
    } catch (error) {
      failure = toNvrError(error);
      // Logged here and not further up: this is where our own bugs in a driver stop.
      if (failure.code === 'internal') log.error({ err: error }, 'The driver failed unexpectedly');
    }
    patience.cancel();
    if (session) await this.#dispose(session);
    return gaveUp ?? failure;
  }

  /** Waits for a driver's promise, but not much longer than its abort: a hung driver must not hold the camera for ever. */
  async #orGone<T>(work: Promise<T>, signal: AbortSignal, onLate: (value: T) => void = () => {}): Promise<T> {
    const { clock } = this.#options;
    let timer: Timer | null = null;
    let late = false;
    const gone = Promise.withResolvers<never>();
    const onAbort = () => {
      timer = clock.after(DISPOSE_TIMEOUT_MS, () => {
        late = true;
        gone.reject(new NvrError('internal', 'The driver did not stop when it was told to'));
      });
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => late && onLate(value),
      () => {},
    );
    try {
      return await Promise.race([work, gone.promise]);
    } finally {
      // The signal lives longer than this wait: an abort after it must not start a timer that nobody cancels.
      signal.removeEventListener('abort', onAbort);
      (timer as Timer | null)?.cancel();
    }
  }

  async #watch(session: CameraSession, signal: AbortSignal, stop: (reason: NvrError) => void): Promise<void> {
    const { clock, onFrame } = this.#options;
    const openedMs = clock.monoMs();
    const tick = () => {
      if (clock.monoMs() - (this.#lastPictureMs ?? openedMs) >= WATCHDOG_MS) {
        stop(new NvrError('timeout', `No picture for ${WATCHDOG_MS / 1000} s`));
      } else timer = clock.after(WATCHDOG_TICK_MS, tick);
    };
    let timer = clock.after(WATCHDOG_TICK_MS, tick);
    try {
      for await (const frame of session.frames()) {
        if (signal.aborted) return;
        if (frame.kind === 'video') {
          const nowMs = clock.monoMs();
          this.#lastPictureMs = nowMs;
          if (this.#state.kind === 'connecting') this.#dispatch({ kind: 'firstFrame', nowMs });
        }
        onFrame(frame);
      }
    } finally {
      timer.cancel();
    }
  }

  /** Says goodbye, once and bounded. */
  #dispose(session: CameraSession): Promise<void> {
    const goodbye = this.#goodbyes.get(session) ?? this.#sayGoodbye(session);
    this.#goodbyes.set(session, goodbye);
    return goodbye;
  }

  async #sayGoodbye(session: CameraSession): Promise<void> {
    const { clock, log } = this.#options;
    const patience = new AbortController();
    try {
      await Promise.race([
        session[Symbol.asyncDispose](),
        clock.sleep(DISPOSE_TIMEOUT_MS, patience.signal).then(() => {
          log.warn({}, 'The driver did not finish its goodbye in time');
        }),
      ]);
    } catch (error) {
      log.warn({ err: error }, 'The goodbye to the camera failed');
    } finally {
      patience.abort();
    }
    if (this.#session === session) {
      this.#droppedBefore += droppedOf(session);
      this.#session = null;
    }
  }

  async #locate(): Promise<void> {
    if (this.#locating) return;
    const locating = new AbortController();
    this.#locating = locating;
    try {
      if ((await this.#options.locate(locating.signal)) && !locating.signal.aborted)
        this.#dispatch({ kind: 'located' });
    } catch (error) {
      if (!locating.signal.aborted) this.#options.log.debug({ err: error }, 'Looking for the camera failed');
    } finally {
      this.#locating = null;
    }
  }
}

/** A driver's counters are its own code: when they throw, the camera goes on without them. */
function droppedOf(session: CameraSession): number {
  try {
    return session.counters().framesDropped;
  } catch {
    return 0;
  }
}
