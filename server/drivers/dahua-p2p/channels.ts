// Which channels a device has. There is no question for that which reaches it through the tunnel and is known: channel after
// channel is described (section 9.6) over one connection, without playing any.

import { isNvrError, type NvrError } from '../../core/nvr-error.ts';
import type { DeviceChannel, DriverContext } from '../driver.ts';
import { RtspDescriber } from '../rtsp/describe.ts';
import { DEVICE_LOOPBACK } from './dialect.ts';
import { type DahuaSettings, maskSerial } from './settings.ts';
import type { Tunnels } from './tunnels.ts';

/** No recorder that is known has more. */
const MAX_CHANNELS = 64;
/** A recorder's channel may have no camera; after so many in a row without one there are no more. */
const MAX_MISSING = 4;
const MAIN = 0;
const SUB = 1;

/** The channels in order, each as it is found. @throws NvrError as `open` does, when there is none because of it */
export async function* findChannels(
  settings: DahuaSettings,
  context: DriverContext,
  tunnels: Tunnels,
): AsyncGenerator<DeviceChannel, void> {
  const lease = await tunnels.acquire(settings, context, null);
  try {
    const { endpoint, rtspPort } = lease.tunnel;
    const { credentials, serial } = settings;
    await using describer = new RtspDescriber(
      { endpoint, credentials, peer: `The device ${maskSerial(serial)}` },
      context,
    );
    const describe = (channel: number, subtype: number) =>
      describer.describe(`rtsp://${DEVICE_LOOPBACK}:${rtspPort}/cam/realmonitor?channel=${channel}&subtype=${subtype}`);
    let missing = 0;
    let found = 0;
    for (let channel = 1; channel <= MAX_CHANNELS && missing < MAX_MISSING; channel++) {
      // Firmware refuses what is not there in different ways; only before the first channel it is about the login.
      const main = await describe(channel, MAIN).catch((error: unknown) => {
        if (found > 0 && isNvrError(error, 'refused')) return null;
        throw lease.tunnel.error ?? error;
      });
      context.step?.('login');
      missing = main ? 0 : missing + 1;
      if (!main) continue;
      found++;
      const sub = await describe(channel, SUB).catch(nullUnlessOver);
      yield {
        ...{ channel, ...main },
        settings: { channel, subtype: MAIN },
        subSettings: sub && { channel, subtype: SUB },
      };
    }
  } finally {
    await lease.release();
  }
}

/** A sub stream that cannot be described is none; an end is an end. */
function nullUnlessOver(error: unknown): null {
  if (isNvrError(error) && isOver(error)) throw error;
  return null;
}

const isOver = ({ code }: NvrError) => code === 'cancelled' || code === 'timeout';
