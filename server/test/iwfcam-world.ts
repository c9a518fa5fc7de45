// One IWFCam driver and one simulated camera on a network in memory, with time that stands still until told otherwise.

import type { DriverSettings } from '../core/camera-config.ts';
import { sessionTime } from '../core/clock.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { silentLogger } from '../core/logger.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import type { CameraSession, DriverContext, DriverMemory } from '../drivers/driver.ts';
import { createIwfcamDriver } from '../drivers/iwfcam/index.ts';
import { MemoryNet, type MemoryNetOptions } from '../net/memory-net.ts';
import type { Net } from '../net/net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import type { IwfcamSimulatorOptions } from '../sim/iwfcam/options.ts';
import { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';

export const CAMERA = '10.0.0.2';
export const RECORDER = '10.0.0.9';

/** Memory of one camera; `saved` is what the registry would hold. */
export class TestMemory implements DriverMemory {
  saved: unknown = null;
  load(): unknown {
    return this.saved;
  }
  save(value: unknown): void {
    this.saved = structuredClone(value);
  }
}

/** A session that is being read. */
export class Viewer {
  readonly pictures: VideoFrame[] = [];
  readonly sounds: AudioFrame[] = [];
  /** Why the frames ended; `null` while they go on. */
  end: NvrError | null = null;
  /** Monotonic time of the end. */
  endMs = -1;
  readonly session: CameraSession;

  constructor(session: CameraSession, clock: ManualClock) {
    this.session = session;
    void (async () => {
      try {
        for await (const frame of session.frames()) {
          if (frame.kind === 'video') this.pictures.push(frame);
          else this.sounds.push(frame);
        }
        this.end = new NvrError('internal', 'ended without a reason');
      } catch (error) {
        this.end = toNvrError(error);
      }
      this.endMs = clock.monoMs();
    })();
  }

  get isLive(): boolean {
    return this.end === null;
  }

  count(name: string): number {
    return this.session.counters().details[name] ?? 0;
  }
}

/** The world of one test. Pictures are counted, so that each can be recognized. */
export class IwfcamWorld {
  readonly clock: ManualClock;
  readonly net: MemoryNet;
  readonly simulator: IwfcamSimulator;
  readonly pictures: CountedPictures;
  readonly driver = createIwfcamDriver();
  readonly memory = new TestMemory();
  readonly abort = new AbortController();

  private constructor(clock: ManualClock, net: MemoryNet, pictures: CountedPictures, simulator: IwfcamSimulator) {
    this.clock = clock;
    this.net = net;
    this.pictures = pictures;
    this.simulator = simulator;
  }

  static async start(
    options: Partial<IwfcamSimulatorOptions> = {},
    netOptions: Omit<MemoryNetOptions, 'clock'> = {},
  ): Promise<IwfcamWorld> {
    const clock = new ManualClock();
    const net = new MemoryNet({ clock, ...netOptions });
    const pictures = new CountedPictures({ minBytes: 4000, maxBytes: 20_000, count: 64 });
    const simulator = await IwfcamSimulator.start({ net: net.host(CAMERA), clock, host: CAMERA, pictures, ...options });
    return new IwfcamWorld(clock, net, pictures, simulator);
  }

  get recorder(): Net {
    return this.net.host(RECORDER);
  }

  context(changes: Partial<DriverContext> = {}): DriverContext {
    const { clock, memory } = this;
    const signal = this.abort.signal;
    return { clock, net: this.recorder, log: silentLogger, signal, memory, time: sessionTime(clock), ...changes };
  }

  settings(changes: DriverSettings = {}): DriverSettings {
    const { uid: _uid, password: _password, ...found } = this.simulator.settings;
    return { ...found, ...changes };
  }

  /** Dials while time passes. @throws NvrError what `open` threw */
  async open(settings: DriverSettings = {}, context: Partial<DriverContext> = {}): Promise<Viewer> {
    const dial = this.dial(settings, context);
    await this.pass(dial);
    return dial;
  }

  /** Dials; time is the caller's affair. */
  dial(settings: DriverSettings = {}, context: Partial<DriverContext> = {}): Promise<Viewer> {
    const opening = this.driver.open(this.settings(settings), this.context(context));
    const dial = opening.then((session) => new Viewer(session, this.clock));
    dial.catch(() => {});
    return dial;
  }

  /** Lets time pass until the promise settles, in small steps. */
  async pass(promise: Promise<unknown>, limitMs = 30_000): Promise<void> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (let ms = 0; !isSettled; ms += 10) {
      if (ms > limitMs) throw new Error(`nothing happened in ${limitMs} ms`);
      await this.clock.advance(10);
    }
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.clock.advance(1000);
    await this.simulator.stop();
  }
}
