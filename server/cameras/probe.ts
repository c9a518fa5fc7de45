// Tries settings before they are saved: one session, one picture, goodbye.

import { isDeepStrictEqual } from 'node:util';
import type { DriverSettings } from '../core/camera-config.ts';
import { PICTURE_STEP } from '../core/dial-step.ts';
import type { VideoCodec } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { DeviceChannels } from './device-channels.ts';
import { withDefaults } from './settings-check.ts';
import type { SingleDialsOptions } from './single-dial.ts';
import { type DialFailure, type DialInput, type DialListener, type DialWork, SingleDials } from './single-dial.ts';

/** The answer comes within 15 s (public interface); the goodbye needs its share of it. */
export const PROBE_TIMEOUT_MS = 12_000;

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
  | DialFailure;

type Picture = { codec: VideoCodec; width: number; height: number; data: Uint8Array };

/** Runs camera tests. */
export class CameraProbe {
  readonly #options: SingleDialsOptions;
  readonly #dials: SingleDials;

  /** Looks at devices with several channels, within the same bound. */
  readonly channels: DeviceChannels;

  constructor(options: SingleDialsOptions) {
    this.#options = options;
    this.#dials = new SingleDials(options);
    this.channels = new DeviceChannels(options.fleet, this.#dials);
  }

  /**
   * Dials with the settings until one whole picture is there.
   * @throws NvrError `bad_input` for settings that are wrong by themselves, `not_found` for an unknown `camera`,
   *   `unavailable` when too many tests run; what the camera does wrong is in the result
   */
  async run(input: DialInput, listener: DialListener = {}): Promise<ProbeResult> {
    const { driver, settings, camera } = this.#dials.prepare(input);
    const shown =
      camera &&
      fromLive(
        withDefaults(driver, camera.config.settings),
        settings,
        camera.hub.newestVideo?.frame ?? null,
        camera.status().state,
      );
    return shown ?? this.#dials.run(driver, PROBE_TIMEOUT_MS, listener, this.#picture(driver, settings));
  }

  /** One session, until its first picture. */
  #picture(driver: CameraDriver, settings: DriverSettings): DialWork<ProbeResult> {
    return async (context, progress) => {
      const { clock } = this.#options;
      const began = clock.monoMs();
      await using session = await driver.open(settings, context);
      progress.opened();
      for await (const frame of session.frames()) {
        if (frame.kind !== 'video') continue;
        progress.reach(PICTURE_STEP.id);
        const { codec, width, height } = frame;
        const firstFrameMs = Math.round(clock.monoMs() - began);
        return { ok: true, codec, width, height, firstFrameMs, snapshot: dataUrl(frame) };
      }
      throw new NvrError('unavailable', 'The camera ended the stream before the first picture');
    };
  }
}

/** The camera is live with just these settings: its picture is the answer, a second login might disturb it. */
function fromLive(
  current: DriverSettings,
  wanted: DriverSettings,
  frame: Picture | null,
  state: string,
): ProbeResult | null {
  if (state !== 'live' || !frame || !isDeepStrictEqual(current, wanted)) return null;
  const { codec, width, height } = frame;
  return { ok: true, codec, width, height, firstFrameMs: 0, snapshot: dataUrl(frame) };
}

function dataUrl(frame: { codec: VideoCodec; data: Uint8Array }): string | null {
  return frame.codec === 'mjpeg' ? `data:image/jpeg;base64,${Buffer.from(frame.data).toString('base64')}` : null;
}
