// One camera: identity, settings, hub and status. What it is made of changes with its settings; who it is does not.

import { isDeepStrictEqual } from 'node:util';
import type { Bus } from '../core/bus.ts';
import type { CameraConfig, DriverId } from '../core/camera-config.ts';
import type { CameraStatus } from '../core/camera-status.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Frame, VideoFrame } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import type { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver, CameraSession, DriverMemory } from '../drivers/driver.ts';
import type { Net } from '../net/net.ts';
import { EncodedSource } from './encoded-source.ts';
import { FrameHub } from './frame-hub.ts';
import { RateMeter } from './rate-meter.ts';
import { checkStoredSettings } from './settings-check.ts';
import { SubStream } from './sub-stream.ts';
import { Supervisor } from './supervisor.ts';
import type { SupervisorState } from './supervisor-machine.ts';

/** While live, the status is published this often for pages that show it. */
export const STATUS_EVERY_MS = 2000;
const SECOND_MS = 1000;

/** A share in a camera's H.264 hub; the encoder runs while at least one is held. Dispose it. */
export type EncodedLease = Disposable & { readonly hub: FrameHub };

/** What a Camera needs from the Fleet. */
export type CameraOptions = {
  readonly config: CameraConfig;
  readonly driver: CameraDriver;
  /** The driver of a second source; a stand-in that refuses when there is none of that id. */
  readonly driverOf: (id: DriverId) => CameraDriver;
  readonly memory: DriverMemory;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  readonly bus: Bus;
  readonly random: () => number;
  /** Finds the camera's new address and stores it; resolves to whether it changed. */
  readonly locate: (camera: Camera, signal: AbortSignal) => Promise<boolean>;
};

/** Identity, settings and status of one camera. Lives as long as the registry entry; `config` is replaced on change. */
export class Camera {
  readonly id: string;
  readonly log: Logger;
  /** Frames as the camera sends them (video and sound). Survives reconnects. */
  readonly hub: FrameHub;
  /** The smaller pictures; those of the main source while there is no second one, or it is away. */
  readonly sub: SubStream;
  readonly #options: CameraOptions;
  readonly #supervisor: Supervisor;
  readonly #encoded: EncodedSource;
  readonly #rate = new RateMeter();
  #config: CameraConfig;
  #recordingActive = false;
  #encoderNote: string | null = null;
  #since: number;
  #framesReceived = 0;
  #bytesReceived = 0;
  #timesLive = 0;
  #newest: VideoFrame | null = null;
  #hasAudio = false;
  #error: CameraStatus['error'] = null;
  #ticker: Timer | null = null;
  #stopped = false;

  constructor(options: CameraOptions) {
    this.#options = options;
    this.#config = options.config;
    this.id = options.config.id;
    this.log = options.log.child({ camera: options.config.slug });
    this.#since = options.clock.wallMs();
    this.hub = new FrameHub(options.config.recording.preRollSeconds * SECOND_MS);
    this.#encoded = new EncodedSource(
      this.hub,
      () => this.#config.recording,
      options.clock,
      this.log,
      (chosen, reason) => this.#encoderFellBack(chosen, reason),
    );
    this.#supervisor = new Supervisor({
      driver: options.driver,
      settings: () => checkStoredSettings(options.driver, this.#config.settings),
      memory: options.memory,
      clock: options.clock,
      net: options.net,
      log: this.log.child({ part: options.driver.id }),
      random: options.random,
      onFrame: (frame) => this.#onFrame(frame),
      onStep: () => this.#publish(),
      onChange: (state, before, failure) => this.#onChange(state, before, failure),
      locate: (signal) => options.locate(this, signal),
    });
    const { driverOf, clock, net, random } = options;
    this.sub = new SubStream({
      ...{ camera: this, driverOf, clock, net, random, log: this.log },
      mayDial: () => this.#mayDial(),
      onChange: () => this.#publish(),
    });
  }

  get config(): CameraConfig {
    return this.#config;
  }

  get slug(): string {
    return this.#config.slug;
  }

  /** Whether segments are being written right now; the Recorder sets it, `status.recording` shows it. */
  get recordingActive(): boolean {
    return this.#recordingActive;
  }

  set recordingActive(active: boolean) {
    if (this.#recordingActive === active) return;
    this.#recordingActive = active;
    this.#publish();
  }

  /** A snapshot for the status page and the event stream. */
  status(): CameraStatus {
    const state = this.#supervisor.state;
    const { frameRate, bitRate } = this.#rate.read(this.#options.clock.monoMs());
    return {
      state: state.kind,
      since: this.#since,
      nextAttemptAt: this.#supervisor.nextAttemptAt,
      coolDownReason: state.kind === 'coolingDown' ? state.reason : null,
      step: this.#supervisor.doing,
      codec: this.#newest?.codec ?? null,
      width: this.#newest?.width || null,
      height: this.#newest?.height || null,
      frameRate,
      bitRate,
      lastFrameAt: this.#newest?.at ?? null,
      framesReceived: this.#framesReceived,
      framesDropped: this.#supervisor.framesDropped,
      bytesReceived: this.#bytesReceived,
      reconnects: Math.max(0, this.#timesLive - 1),
      viewers: this.hub.viewers + this.#encoded.viewers + this.sub.viewers,
      recording: this.#recordingActive,
      encoderNote: this.#encoderNote,
      audio: this.#hasAudio,
      sub: this.sub.connection,
      error: this.#error,
    };
  }

  /** Facts of the running session for the statistics page; empty when none. Text in it is hostile. */
  facts(): CameraSession['facts'] {
    return this.#supervisor.session?.facts ?? {};
  }

  /** What the running session counted, by name; empty when none. */
  details(): Readonly<Record<string, number>> {
    return this.#supervisor.session?.counters().details ?? {};
  }

  /**
   * H.264 (or H.265) frames plus the camera's sound: the camera's own hub when it is not JPEG, else its one encoder,
   * which runs while at least one lease is held.
   * @param preRollMs of the past that this user needs, if the encoder is not running yet
   */
  acquireEncoded(preRollMs = 0): EncodedLease {
    return this.#encoded.acquire(preRollMs);
  }

  /** What a viewer of that source looks at; without a second source all look at the main one. */
  view(source: 'main' | 'sub'): Camera | SubStream {
    return source === 'sub' && this.#config.subSource ? this.sub : this;
  }

  /** The smallest source that is running and has pictures of at least that width; never dials. */
  viewOfWidth(width: number): Camera | SubStream {
    const { shown = false, width: has = null } = this.sub.connection ?? {};
    return shown && has !== null && has >= width ? this.sub : this;
  }

  /** Begins to dial when enabled. */
  start(): void {
    if (this.#config.enabled) this.#supervisor.enable();
  }

  restart(): void {
    this.#supervisor.restart();
    this.sub.restart();
  }

  /** Leaves the camera to others for so long; resolves when the goodbye is said. */
  async release(durationMs: number): Promise<void> {
    await Promise.all([this.#supervisor.release(durationMs), this.sub.update()]);
  }

  /** Takes over changed settings; dials anew only when what the driver sees has changed. The driver must be the same. */
  async apply(config: CameraConfig): Promise<void> {
    const before = this.#config;
    this.#config = config;
    if (!isDeepStrictEqual(before.recording.encoder, config.recording.encoder)) this.#encoderNote = null;
    this.hub.setSpan(config.recording.preRollSeconds * SECOND_MS);
    this.#encoded.settingsChanged();
    this.sub.settingsChanged();
    if (!isDeepStrictEqual(before.subSource, config.subSource)) await this.sub.changeSource();
    if (before.enabled && !config.enabled) {
      await Promise.all([this.#supervisor.disable(), this.sub.update()]);
      return;
    }
    if (!before.enabled && config.enabled) this.#supervisor.enable();
    else if (!isDeepStrictEqual(before.settings, config.settings)) this.#supervisor.restart();
  }

  /** Takes over settings that the driver itself found (a new address): the running dial is not disturbed. */
  adopt(config: CameraConfig): void {
    this.#config = config;
  }

  /** Says goodbye to the camera and stops everything it owns. Frames in the hub stay readable. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ticker?.cancel();
    await Promise.all([this.#supervisor.stop(), this.sub.stop()]);
    await this.#encoded.stop();
  }

  /** Not while it is disabled, or left to others. */
  #mayDial(): boolean {
    const { state } = this.#supervisor;
    const isReleased = state.kind === 'coolingDown' && state.reason === 'released';
    return this.#config.enabled && state.kind !== 'disabled' && !isReleased;
  }

  #onFrame(frame: Frame): void {
    this.#bytesReceived += frame.data.byteLength;
    if (frame.kind === 'video') {
      this.#framesReceived++;
      this.#newest = frame;
      this.#rate.add(frame.monoMs, frame.data.byteLength);
    } else {
      this.#hasAudio = true;
      this.#rate.add(frame.monoMs, frame.data.byteLength, 0);
    }
    this.hub.publish(frame);
  }

  #onChange(state: SupervisorState, before: SupervisorState, failure: NvrError | null): void {
    const { clock, bus } = this.#options;
    const wasLive = before.kind === 'live';
    void this.sub.update();
    this.#since = clock.wallMs();
    if (failure) this.#error = { code: failure.code, message: publicMessage(failure), at: this.#since };
    if (state.kind === 'live') {
      this.#timesLive++;
      this.#error = null;
      bus.publish('camera.wentLive', { camera: this.id, slug: this.slug });
      this.#tick();
    } else {
      this.#rate.reset();
      this.#ticker?.cancel();
    }
    if (wasLive) {
      const reason = failure ?? { code: 'cancelled', message: 'Left on purpose' };
      bus.publish('camera.lost', {
        camera: this.id,
        slug: this.slug,
        code: reason.code,
        message: this.#error?.message ?? reason.message,
      });
    }
    this.log.info(
      { state: state.kind, ...(failure && { code: failure.code, reason: failure.message, ...failure.context }) },
      'Camera state changed',
    );
    this.#publish();
  }

  /** The chosen encoder does not work: shown with the camera until another is chosen, and an event, once. */
  #encoderFellBack(chosen: string, reason: string): void {
    const message = `The encoder ${chosen} does not work, libx264 is used: ${reason}`;
    if (this.#encoderNote === message) return;
    this.#encoderNote = message;
    this.#options.bus.publish('camera.encoderFellBack', { camera: this.id, slug: this.slug, message });
    this.#publish();
  }

  #tick(): void {
    this.#ticker?.cancel();
    this.#ticker = this.#options.clock.after(STATUS_EVERY_MS, () => {
      if (this.#stopped || this.#supervisor.state.kind !== 'live') return;
      this.#publish();
      this.#tick();
    });
  }

  /** A camera that has ended says nothing more: it may be removed, or another driver's camera has its id. */
  #publish(): void {
    if (this.#stopped) return;
    this.#options.bus.publish('camera.status', { camera: this.id, slug: this.slug, status: this.status() });
  }
}

function publicMessage(failure: NvrError): string {
  return failure.code === 'internal' ? 'Perch made a mistake with this camera; see the log' : failure.message;
}
