// Tries settings before they are saved: one session, one picture, goodbye.

import { isDeepStrictEqual } from 'node:util';
import type { DriverSettings } from '../core/camera-config.ts';
import { type Clock, sessionTime } from '../core/clock.ts';
import type { VideoCodec } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import { type ErrorCode, isNvrError, NvrError, toNvrError } from '../core/nvr-error.ts';
import type { DriverRegistry } from '../drivers/registry.ts';
import type { Net } from '../net/net.ts';
import type { Fleet } from './fleet.ts';
import { checkDriverSettings, withDefaults } from './settings-check.ts';

/** The answer comes within 15 s (public interface); the goodbye needs its share of it. */
export const PROBE_TIMEOUT_MS = 12_000;
/** A driver promises to be gone two seconds after its end; then the answer no longer waits for it. */
const GONE_AFTER_MS = 2500;
/** At the same time; more wait for nothing and are refused. */
export const MAX_PROBES = 4;

/** What to try. `camera`: id or slug whose stored secrets a masked value stands for. */
export type ProbeInput = { driver: string; settings: Record<string, unknown>; camera?: string };

/** What came of it. */
export type ProbeResult =
  | {
      readonly ok: true;
      readonly codec: VideoCodec;
      readonly width: number;
      readonly height: number;
      /** From the dial to the first whole picture. */
      readonly firstFrameMs: number;
      /** A `data:` URL, or `null` when the picture is not a JPEG. */
      readonly snapshot: string | null;
    }
  | { readonly ok: false; readonly error: { readonly code: ErrorCode; readonly message: string } };

/** What the probe needs. */
export type ProbeOptions = {
  readonly fleet: Fleet;
  readonly drivers: DriverRegistry;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
};

/** Runs camera tests. */
export class CameraProbe {
  readonly #options: ProbeOptions;
  #running = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /**
   * Dials with the settings until one whole picture is there.
   * @param signal the caller went away
   * @throws NvrError `bad_input` for settings that are wrong by themselves, `not_found` for an unknown `camera`,
   *   `unavailable` when too many tests run; what the camera does wrong is in the result
   */
  async run(input: ProbeInput, signal?: AbortSignal): Promise<ProbeResult> {
    const { fleet, drivers } = this.#options;
    const driver = drivers.get(input.driver);
    const camera = input.camera === undefined ? null : fleet.get(input.camera);
    const stored = camera?.config.driver === driver.id ? camera.config.settings : null;
    const settings = checkDriverSettings(driver, input.settings, stored);
    const shown =
      camera &&
      this.#fromLive(
        withDefaults(driver, camera.config.settings),
        settings,
        camera.hub.newestVideo?.frame ?? null,
        camera.status().state,
      );
    if (shown) return shown;
    if (this.#running >= MAX_PROBES)
      throw new NvrError('unavailable', 'Other camera tests are running; try again in a moment');
    this.#running++;
    try {
      return await this.#dial(input.driver, settings, signal);
    } finally {
      this.#running--;
    }
  }

  /** The camera is live with just these settings: its picture is the answer, a second login might disturb it. */
  #fromLive(
    current: DriverSettings,
    wanted: DriverSettings,
    frame: { codec: VideoCodec; width: number; height: number; data: Uint8Array } | null,
    state: string,
  ): ProbeResult | null {
    if (state !== 'live' || !frame || !isDeepStrictEqual(current, wanted)) return null;
    return {
      ok: true,
      codec: frame.codec,
      width: frame.width,
      height: frame.height,
      firstFrameMs: 0,
      snapshot: dataUrl(frame),
    };
  }

  async #dial(driverId: string, settings: DriverSettings, caller: AbortSignal | undefined): Promise<ProbeResult> {
    const { clock, log } = this.#options;
    const end = new AbortController();
    const giveUp = () => end.abort(new NvrError('timeout', `No picture within ${PROBE_TIMEOUT_MS / 1000} s`));
    const timer = clock.after(PROBE_TIMEOUT_MS, giveUp);
    const hung = Promise.withResolvers<never>();
    const tooLate = () => hung.reject(new NvrError('internal', 'The driver did not stop when it was told to'));
    const patience = clock.after(PROBE_TIMEOUT_MS + GONE_AFTER_MS, tooLate);
    const signal = caller ? AbortSignal.any([caller, end.signal]) : end.signal;
    try {
      return await Promise.race([this.#picture(driverId, settings, signal), hung.promise]);
    } catch (error) {
      const failure =
        end.signal.aborted && !isNvrError(error, 'internal') ? toNvrError(end.signal.reason) : toNvrError(error);
      if (failure.code === 'internal') log.error({ err: error }, 'The driver failed unexpectedly in a camera test');
      const message = failure.code === 'internal' ? 'Perch made a mistake; see the log' : failure.message;
      return { ok: false, error: { code: failure.code, message } };
    } finally {
      timer.cancel();
      patience.cancel();
    }
  }

  /** One session, until its first picture. */
  async #picture(driverId: string, settings: DriverSettings, signal: AbortSignal): Promise<ProbeResult> {
    const { drivers, clock, net, log } = this.#options;
    const began = clock.monoMs();
    // Its own memory: a test must not take over the port of the camera that is running.
    const memory = { load: () => null, save: () => {} };
    await using session = await drivers
      .get(driverId)
      .open(settings, { clock, net, log, signal, memory, time: sessionTime(clock) });
    for await (const frame of session.frames()) {
      if (frame.kind !== 'video') continue;
      const { codec, width, height } = frame;
      const firstFrameMs = Math.round(clock.monoMs() - began);
      return { ok: true, codec, width, height, firstFrameMs, snapshot: dataUrl(frame) };
    }
    throw new NvrError('unavailable', 'The camera ended the stream before the first picture');
  }
}

function dataUrl(frame: { codec: VideoCodec; data: Uint8Array }): string | null {
  return frame.codec === 'mjpeg' ? `data:image/jpeg;base64,${Buffer.from(frame.data).toString('base64')}` : null;
}
