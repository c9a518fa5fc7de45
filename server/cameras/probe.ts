// Tries settings before they are saved: one session, one picture, goodbye.

import { isDeepStrictEqual } from 'node:util';
import type { DriverSettings } from '../core/camera-config.ts';
import type { Timer } from '../core/clock.ts';
import { type DialProgress, PICTURE_STEP } from '../core/dial-step.ts';
import type { VideoCodec, VideoFrame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver, DriverContext } from '../drivers/driver.ts';
import type { Camera } from './camera.ts';
import { decodeLast } from './coded-run.ts';
import { DeviceChannels } from './device-channels.ts';
import type { FrameHub } from './frame-hub.ts';
import { withDefaults } from './settings-check.ts';
import type { SingleDialsOptions } from './single-dial.ts';
import { type DialFailure, type DialInput, type DialListener, type DialWork, SingleDials } from './single-dial.ts';

/** The answer comes within 15 s (public interface); the goodbye needs its share of it. */
export const PROBE_TIMEOUT_MS = 12_000;
/** A coded camera's first picture may be one that cannot be decoded by itself: so long is waited for a key picture. */
const KEY_WAIT_MS = 4000;
/** A key picture takes some tens of milliseconds to decode; a busy machine gets this, and the answer goes without it. */
const DECODE_MS = 2000;

/** What came of it. */
export type ProbeResult =
  | {
      readonly ok: true;
      readonly codec: VideoCodec;
      readonly width: number;
      readonly height: number;
      /** From the dial to the first whole picture. */
      readonly firstFrameMs: number;
      /** A `data:` URL of a JPEG, or `null` when no picture could be decoded in time. */
      readonly snapshot: string | null;
    }
  | DialFailure;

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
    const live = camera && liveSource(camera, input.source ?? 'main');
    const shown = live && fromLive(withDefaults(driver, live.settings), settings, live.hub, live.state);
    return (await shown) ?? this.#dials.run(driver, PROBE_TIMEOUT_MS, listener, this.#picture(driver, settings));
  }

  /** One session, until its first picture. */
  #picture(driver: CameraDriver, settings: DriverSettings): DialWork<ProbeResult> {
    return async (context, progress) => {
      const { clock } = this.#options;
      const began = clock.monoMs();
      const { first, key } = await this.#firstPictures(driver, settings, context, progress);
      const { codec, width, height } = first;
      const firstFrameMs = Math.round(first.monoMs - began);
      const leftMs = Math.min(DECODE_MS, PROBE_TIMEOUT_MS - (clock.monoMs() - began));
      return { ok: true, codec, width, height, firstFrameMs, snapshot: leftMs > 0 ? await dataUrl(key, leftMs) : null };
    };
  }

  /** The goodbye is said when it resolves. `key` is `null` when none came soon after the first picture. */
  async #firstPictures(
    driver: CameraDriver,
    settings: DriverSettings,
    context: DriverContext,
    progress: DialProgress,
  ): Promise<{ first: VideoFrame; key: VideoFrame | null }> {
    const { clock } = this.#options;
    const enough = new AbortController();
    const signal = AbortSignal.any([context.signal, enough.signal]);
    let first: VideoFrame | null = null;
    let timer: Timer | null = null;
    try {
      await using session = await driver.open(settings, { ...context, signal });
      progress.opened();
      for await (const frame of session.frames()) {
        if (frame.kind !== 'video') continue;
        if (!first) progress.reach(PICTURE_STEP.id);
        first ??= frame;
        if (frame.key) return { first, key: frame };
        timer ??= clock.after(KEY_WAIT_MS, () => enough.abort());
      }
    } catch (error) {
      if (!first) throw error;
    } finally {
      (timer as Timer | null)?.cancel();
    }
    if (!first) throw new NvrError('unavailable', 'The camera ended the stream before the first picture');
    return { first, key: null };
  }
}

/** A source of the camera as it runs now. */
function liveSource(camera: Camera, source: 'main' | 'sub') {
  const { settings, subSource } = camera.config;
  if (source === 'main') return { settings, hub: camera.hub, state: camera.status().state };
  return (
    subSource && { settings: subSource.settings, hub: camera.sub.hub, state: camera.sub.connection?.state ?? 'idle' }
  );
}

/** The camera is live with just these settings: its picture is the answer, a second login might disturb it. */
async function fromLive(
  current: DriverSettings,
  wanted: DriverSettings,
  hub: FrameHub,
  state: string,
): Promise<ProbeResult | null> {
  const frame = hub.newestVideo?.frame;
  if (state !== 'live' || !frame || !isDeepStrictEqual(current, wanted)) return null;
  const { codec, width, height } = frame;
  using reader = hub.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
  const key = reader.poll()?.frame;
  const snapshot = await dataUrl(key?.kind === 'video' ? key : null, DECODE_MS);
  return { ok: true, codec, width, height, firstFrameMs: 0, snapshot };
}

/** A test that found pictures is good, whatever becomes of showing one. */
async function dataUrl(key: VideoFrame | null, limitMs: number): Promise<string | null> {
  if (!key) return null;
  const jpeg = key.codec === 'mjpeg' ? key : await decodeLast([key], limitMs).catch(() => null);
  return jpeg && `data:image/jpeg;base64,${Buffer.from(jpeg.data).toString('base64')}`;
}
