// Asks one device for its streams: its clock, its services, its profiles and their addresses.

import { NvrError, toNvrError } from '../../core/nvr-error.ts';
import { checkCameraAddress } from '../../net/address-rules.ts';
import { type CameraUrl, parseCameraUrl } from '../../net/camera-url.ts';
import type { Credentials } from '../../net/http-auth.ts';
import { orAborted } from '../../net/or-aborted.ts';
import { addressAt, isAtHost, urlText, withStandardPath } from './addresses.ts';
import { type CallWorld, DeviceCalls } from './call.ts';
import { ASK_TIMEOUT_MS } from './limits.ts';
import {
  type DeviceInformation,
  type MediaProfile,
  type MediaVersion,
  readInformation,
  readMediaAddresses,
  readProfiles,
  readTime,
  readUri,
  requests,
} from './wire.ts';

/** What to ask, and as whom. */
export type DeviceQuestion = {
  /** Of the device service; without a path the usual one. */
  readonly url: string;
  readonly credentials: Credentials | null;
};

/** A stream that can be added. */
export type OfferedProfile = MediaProfile & {
  /** For the `rtsp` driver; without credentials, always at the device's own address. */
  readonly url: string;
  /** For the `http-snapshot` driver; `null` when it has none. */
  readonly snapshotUrl: string | null;
  /** The device named another host, which is not used. */
  readonly moved: boolean;
};

/** What a device offers. All text is bounded and printable. */
export type DeviceOffer = DeviceInformation & {
  readonly profiles: readonly OfferedProfile[];
  /** Tokens of the profiles to take: the largest picture, and a smaller one of the same lens. */
  readonly main: string | null;
  readonly sub: string | null;
};

/** A smaller stream for the grid has at most so many pixels, where there is a choice. */
const SUB_PIXELS = 1280 * 720;

/**
 * Asks a device.
 * @throws NvrError `bad_input` (an address that is not allowed), `refused`, `unavailable`, `timeout`, `protocol`
 */
export async function askDevice(question: DeviceQuestion, world: CallWorld): Promise<DeviceOffer> {
  const { clock, net, signal } = world;
  const url = withStandardPath(parseCameraUrl(question.url, ['http', 'https']));
  const end = new AbortController();
  const timer = clock.after(ASK_TIMEOUT_MS, () => end.abort());
  const within = { ...world, signal: AbortSignal.any([signal, end.signal]) };
  try {
    const address = await orAborted(net.resolve(url.host), within.signal);
    await checkCameraAddress(net, url.host, address, url.port);
    return await ask(url, new DeviceCalls(question.credentials, within));
  } catch (error) {
    if (!end.signal.aborted || signal.aborted) throw error;
    throw new NvrError('timeout', `${url.host}:${url.port} did not tell its streams within ${ASK_TIMEOUT_MS / 1000} s`);
  } finally {
    timer.cancel();
  }
}

async function ask(url: CameraUrl, calls: DeviceCalls): Promise<DeviceOffer> {
  const time = readTime((await optional(calls.call(url, requests.time(), false), ['fault', 'credentials'])) ?? EMPTY);
  if (time !== null) calls.setDeviceTime(time);
  const services = await mediaServices(url, calls);
  const information = await optional(calls.call(url, requests.information()));
  let failure: NvrError | null = null;
  for (const version of ['media2', 'media'] as const) {
    const service = services[version];
    if (!service) continue;
    try {
      const profiles = await offered(version, service, calls);
      if (profiles.length > 0) return { ...readInformation(information ?? EMPTY), profiles, ...choose(profiles) };
    } catch (error) {
      failure = toNvrError(error);
      if (failure.code !== 'protocol') throw failure;
    }
  }
  throw (
    failure ?? new NvrError('protocol', `${url.host}:${url.port} offers no video`, { context: { reason: 'noVideo' } })
  );
}

const EMPTY = { name: '', attributes: new Map(), children: [], text: '' } as const;

/** An answer that one can do without. What is wrong with the connection or the credentials is still said. */
async function optional<T>(answer: Promise<T>, reasons: readonly string[] = ['fault']): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const { context } = toNvrError(error);
    if (reasons.includes(String(context?.reason))) return null;
    throw error;
  }
}

/** Where the media services are: at the device's own address, whatever it says. */
async function mediaServices(url: CameraUrl, calls: DeviceCalls): Promise<Partial<Record<MediaVersion, CameraUrl>>> {
  const listed = readMediaAddresses((await optional(calls.call(url, requests.services()))) ?? EMPTY);
  const known =
    Object.keys(listed).length > 0
      ? listed
      : readMediaAddresses((await optional(calls.call(url, requests.capabilities()))) ?? EMPTY);
  const found: Partial<Record<MediaVersion, CameraUrl>> = {};
  for (const [version, named] of Object.entries(known) as [MediaVersion, string][]) {
    // A device that was asked over TLS is not asked in clear.
    const service = addressAt(named, url.host, url.isTls ? ['https'] : ['http', 'https']);
    if (service) found[version] = service;
  }
  return found;
}

async function offered(version: MediaVersion, service: CameraUrl, calls: DeviceCalls): Promise<OfferedProfile[]> {
  const profiles = readProfiles(await calls.call(service, requests.profiles(version)));
  const offers: OfferedProfile[] = [];
  for (const profile of profiles) {
    const answer = await optional(calls.call(service, requests.streamUri(version, profile.token)));
    const named = answer ? readUri(answer) : '';
    const stream = addressAt(named, service.host, ['rtsp', 'rtsps']);
    if (!stream) continue;
    const picture = await optional(calls.call(service, requests.snapshotUri(version, profile.token)));
    const snapshot = picture && addressAt(readUri(picture), service.host, ['http', 'https']);
    offers.push({
      ...profile,
      url: urlText(stream),
      snapshotUrl: snapshot ? urlText(snapshot) : null,
      moved: !isAtHost(named, service.host),
    });
  }
  return offers;
}

const pixels = ({ width, height }: OfferedProfile) => (width ?? 0) * (height ?? 0);

/** The largest picture, and of the same lens the largest that a grid can use, else the smallest. */
function choose(profiles: readonly OfferedProfile[]): { main: string | null; sub: string | null } {
  const taken = profiles.filter(({ codec }) => codec !== null);
  const main = taken.toSorted((a, b) => pixels(b) - pixels(a))[0];
  if (!main) return { main: null, sub: null };
  const smaller = taken
    .filter((each) => each.source === main.source && pixels(each) < pixels(main) && each.url !== main.url)
    .toSorted((a, b) => pixels(b) - pixels(a));
  const sub = smaller.find((each) => pixels(each) <= SUB_PIXELS && pixels(each) * 2 <= pixels(main)) ?? smaller.at(-1);
  return { main: main.token, sub: sub?.token ?? null };
}
