// The Transport header of a SETUP: which of the offered ways is taken. Only TCP, inside the connection. Pure.

import { parseTransport } from '../media/rtsp.ts';
import type { Channels } from './outlet.ts';

const MAX_OFFERS = 8;
const TCP = /^RTP\/AVP\/TCP\b/i;

/**
 * Channels for a track: those that the client asks for, else the first free pair; `null` when it offers no TCP.
 * @param taken channels of the other tracks
 */
export function chooseChannels(header: string | undefined, taken: ReadonlySet<number>): Channels | null {
  const offers = (header ?? '').split(',', MAX_OFFERS).map((offer) => offer.trim());
  const offer = offers.find((text) => TCP.test(text) && !/;\s*multicast\b/i.test(text));
  if (offer === undefined) return null;
  const asked = parseTransport(offer).interleaved;
  if (asked && asked[0] !== asked[1] && !asked.some((channel) => taken.has(channel))) return asked;
  for (let channel = 0; channel < 255; channel += 2) {
    if (!taken.has(channel) && !taken.has(channel + 1)) return [channel, channel + 1];
  }
  return null;
}

/** The answer. */
export function encodeTransport([rtp, rtcp]: Channels, ssrc: number): string {
  return `RTP/AVP/TCP;unicast;interleaved=${rtp}-${rtcp};ssrc=${ssrc.toString(16).padStart(8, '0')};mode="PLAY"`;
}
