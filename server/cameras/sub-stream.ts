// A camera's second, smaller source: for the grid, motion and JPEG viewers. It is connected while somebody looks and a
// moment longer, because many cameras have few connections to give; while it is away, its viewers see the main source.

import type { CameraConfig, DriverId } from '../core/camera-config.ts';
import type { CameraStatus, SubStatus } from '../core/camera-status.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Frame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import type { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver, DriverMemory } from '../drivers/driver.ts';
import type { Net } from '../net/net.ts';
import type { EncodedLease } from './camera.ts';
import { EncodedSource } from './encoded-source.ts';
import { FallbackHub } from './fallback-hub.ts';
import type { FrameHub } from './frame-hub.ts';
import { checkStoredSettings } from './settings-check.ts';
import { SourceMeter } from './source-meter.ts';
import { Supervisor } from './supervisor.ts';
import type { SupervisorState } from './supervisor-machine.ts';

/** The connection is kept this long after the last viewer: a reload of a page must not dial again. */
export const SUB_LINGER_MS = 10_000;

/** What stands for the sub stream where cameras are told apart by id. */
export const subIdOf = (cameraId: string): string => `${cameraId}/sub`;

/** What a SubStream needs of its camera. */
export type SubStreamOptions = {
  readonly camera: {
    readonly id: string;
    readonly hub: FrameHub;
    readonly config: CameraConfig;
    status(): CameraStatus;
  };
  /** The driver of an id; a stand-in that refuses when there is none. */
  readonly driverOf: (id: DriverId) => CameraDriver;
  /** Whether the camera may be dialled at all: not while it is disabled or released. */
  readonly mayDial: () => boolean;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  readonly random: () => number;
  /** The sub stream's own status has changed. */
  readonly onChange: () => void;
};

/** The camera as its viewers of small pictures see it. Lives as long as the camera, also without a second source. */
export class SubStream {
  readonly id: string;
  readonly #options: SubStreamOptions;
  readonly #mix: FallbackHub;
  readonly #encoded: EncodedSource;
  readonly #meter = new SourceMeter();
  #supervisor: Supervisor | null = null;
  #holders = 0;
  #linger: Timer | null = null;
  #retry: Timer | null = null;
  /** After a refusal or a failed dial a new viewer does not dial earlier than a waiting one would. */
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #since: number;
  #error: SubStatus['error'] = null;
  #stopped = false;

  constructor(options: SubStreamOptions) {
    const { camera, clock, log, onChange } = options;
    this.#options = options;
    this.id = subIdOf(camera.id);
    this.#since = clock.wallMs();
    this.#mix = new FallbackHub(camera.hub, clock, onChange);
    this.#encoded = new EncodedSource(this.#mix.hub, () => camera.config.recording, clock, log);
    this.#supervisor = this.#make();
  }

  get config(): CameraConfig {
    return this.#options.camera.config;
  }

  get slug(): string {
    return this.config.slug;
  }

  /** Small pictures (and their sound) while somebody holds it; of the main source while the second is away. */
  get hub(): FrameHub {
    return this.#mix.hub;
  }

  /** Viewers of the small pictures. */
  get viewers(): number {
    return this.hub.viewers + this.#encoded.viewers;
  }

  /** The status of what its viewers see: the second source's, else the camera's. */
  status(): CameraStatus {
    const status = this.#options.camera.status();
    return this.#mix.isPreferred ? { ...status, state: 'live', nextAttemptAt: null, error: null } : status;
  }

  /** The second source by itself; `null` when there is none. */
  get connection(): SubStatus | null {
    const supervisor = this.#supervisor;
    if (!supervisor) return null;
    const { kind } = supervisor.state;
    return {
      state: kind === 'disabled' ? 'idle' : kind,
      since: this.#since,
      nextAttemptAt: supervisor.nextAttemptAt,
      ...this.#meter.read(this.#options.clock.monoMs()),
      framesDropped: supervisor.framesDropped,
      viewers: this.viewers,
      shown: this.#mix.isPreferred,
      error: this.#error,
    };
  }

  /** Keeps the second source connected. Dispose it. */
  hold(): Disposable {
    this.#holders++;
    this.#linger?.cancel();
    this.#linger = null;
    this.#mix.open();
    this.update();
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--this.#holders > 0 || this.#stopped) return;
        this.#linger = this.#options.clock.after(SUB_LINGER_MS, () => this.#rest());
      },
    };
  }

  /** The same as H.264 (or H.265), held as long as the lease. */
  acquireEncoded(): EncodedLease {
    const hold = this.hold();
    const lease = this.#encoded.acquire();
    return {
      hub: lease.hub,
      [Symbol.dispose]: () => {
        lease[Symbol.dispose]();
        hold[Symbol.dispose]();
      },
    };
  }

  /** The camera's state or settings have changed: dials or leaves as they say. Resolves when the goodbye is said. */
  async update(): Promise<void> {
    const { clock, mayDial } = this.#options;
    const supervisor = this.#supervisor;
    if (!supervisor) return;
    const isWanted = (this.#holders > 0 || this.#linger !== null) && !this.#stopped && mayDial();
    this.#retry?.cancel();
    this.#retry = null;
    if (!isWanted) return supervisor.disable();
    if (supervisor.state.kind !== 'disabled') return;
    const waitMs = this.#notBeforeMs - clock.monoMs();
    if (waitMs > 0) this.#retry = clock.after(waitMs, () => void this.update());
    else supervisor.enable();
  }

  /** The recording settings have changed; an encoder of these pictures follows them. */
  settingsChanged(): void {
    this.#encoded.settingsChanged();
  }

  /** The second source has changed, came or went. Resolves when the old one's goodbye is said. */
  async changeSource(): Promise<void> {
    await this.#leave();
    if (this.#stopped) return;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    this.#error = null;
    this.#since = this.#options.clock.wallMs();
    this.#supervisor = this.#make();
    void this.update();
  }

  /** Dials anew at once if it is wanted. */
  restart(): void {
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    this.#supervisor?.restart();
    void this.update();
  }

  /** Says goodbye and stops everything. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#linger?.cancel();
    await this.#leave();
    this.#mix.close();
    await this.#encoded.stop();
  }

  async #leave(): Promise<void> {
    const supervisor = this.#supervisor;
    this.#supervisor = null;
    this.#retry?.cancel();
    this.#mix.lost();
    await supervisor?.stop();
  }

  #rest(): void {
    this.#linger = null;
    void this.update();
    this.#mix.close();
  }

  #make(): Supervisor | null {
    const { driverOf, clock, net, log, random } = this.#options;
    const source = this.config.subSource;
    if (!source) return null;
    const driver = driverOf(source.driver);
    const isCurrent = () => this.#supervisor === supervisor;
    const supervisor = new Supervisor({
      driver,
      settings: () => checkStoredSettings(driver, source.settings),
      memory: ownMemory(),
      ...{ clock, net, random },
      log: log.child({ part: `sub ${driver.id}` }),
      onFrame: (frame) => isCurrent() && this.#onFrame(frame),
      onChange: (state, before, failure) => isCurrent() && this.#onChange(state, before, failure),
      locate: async () => false,
    });
    return supervisor;
  }

  #onFrame(frame: Frame): void {
    this.#meter.add(frame);
    this.#mix.prefer(frame);
  }

  #onChange(state: SupervisorState, before: SupervisorState, failure: NvrError | null): void {
    const { clock, log, onChange } = this.#options;
    this.#since = clock.wallMs();
    if (failure) {
      const message = failure.code === 'internal' ? 'Perch made a mistake; see the log' : failure.message;
      this.#error = { code: failure.code, message, at: this.#since };
    }
    if (state.kind === 'live') {
      this.#meter.wentLive();
      this.#error = null;
      this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    } else if ('untilMs' in state) this.#notBeforeMs = state.untilMs;
    if (before.kind === 'live') {
      this.#meter.rest();
      this.#mix.lost();
    }
    log.info(
      { state: state.kind, ...(failure && { code: failure.code, reason: failure.message }) },
      'Sub stream state changed',
    );
    onChange();
  }
}

/** What the driver remembers of the second source lasts as long as the process. */
function ownMemory(): DriverMemory {
  let kept: unknown = null;
  return {
    load: () => kept,
    save: (value) => {
      kept = value;
    },
  };
}
