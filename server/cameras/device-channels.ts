// The channels of a device that has several (a recorder), so that they can be added at once.

import { isDeepStrictEqual } from 'node:util';
import type { DriverSettings } from '../core/camera-config.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraDriver, DeviceChannel } from '../drivers/driver.ts';
import type { Fleet } from './fleet.ts';
import { withDefaults } from './settings-check.ts';
import type { DialFailure, DialInput, DialListener, SingleDials } from './single-dial.ts';

/** Many channels through a relay take time; what is found by then is the answer. */
export const CHANNELS_TIMEOUT_MS = 25_000;
/** More is not a recorder but an attack. */
export const MAX_CHANNELS = 256;

/** A channel, and whether there is a camera of it already. */
export type FoundChannel = DeviceChannel & { readonly alreadyAdded: boolean };

/** What came of it. `complete`: false when the time was up first. */
export type ChannelsResult =
  | { readonly ok: true; readonly channels: readonly FoundChannel[]; readonly complete: boolean }
  | DialFailure;

/** Asks devices for their channels. */
export class DeviceChannels {
  readonly #fleet: Fleet;
  readonly #dials: SingleDials;

  /** @param dials shared with the camera tests */
  constructor(fleet: Fleet, dials: SingleDials) {
    this.#fleet = fleet;
    this.#dials = dials;
  }

  /**
   * @throws NvrError `bad_input` for settings that are wrong by themselves, `not_found` for an unknown `camera` or a driver
   *   whose devices have one channel; what the device does wrong is in the result
   */
  async run(input: DialInput, listener: DialListener = {}): Promise<ChannelsResult> {
    const known = this.#fleet.drivers().find(({ id }) => id === input.driver);
    if (!known?.channels)
      throw new NvrError('not_found', 'There is no driver of this name whose devices have channels');
    const { driver, settings } = this.#dials.prepare(input);
    const channels: FoundChannel[] = [];
    const result = await this.#dials.run(driver, CHANNELS_TIMEOUT_MS, listener, async (context, progress) => {
      for await (const channel of driver.channels?.(settings, context) ?? []) {
        progress.opened();
        channels.push({ ...channel, alreadyAdded: this.#isAdded(driver, { ...settings, ...channel.settings }) });
        if (channels.length >= MAX_CHANNELS) break;
      }
      if (channels.length === 0) throw new NvrError('unavailable', 'The device has no channel with a picture');
      return { ok: true as const, channels, complete: true };
    });
    return result.ok || channels.length === 0 || listener.signal?.aborted
      ? result
      : { ok: true, channels, complete: false };
  }

  /** A camera on the same device with what makes this channel. */
  #isAdded(driver: CameraDriver, wanted: DriverSettings): boolean {
    return this.#fleet.all().some(({ config }) => {
      if (config.driver !== driver.id) return false;
      const known = withDefaults(driver, config.settings);
      return [...driver.hostSettings, 'channel'].every((name) => isDeepStrictEqual(known[name], wanted[name]));
    });
  }
}
