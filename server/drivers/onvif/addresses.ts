// Addresses that a device names: only ever used at the address that the user or the search knows it by. A device behind a
// router, or one that lies, names others; its path and port are kept, the host is not.

import { type CameraUrl, parseCameraUrl, separateCredentials, type UrlScheme } from '../../net/camera-url.ts';

/** Longest address that is taken apart. */
const MAX_CHARS = 1024;
const STANDARD_PATH = '/onvif/device_service';

/** The first address of these schemes, at `host`; `null` when there is none. Credentials in it are left out. */
export function addressAt(named: string, host: string, schemes: readonly UrlScheme[]): CameraUrl | null {
  if (named.length > MAX_CHARS) return null;
  try {
    // Hosts that Perch does not dial (IPv6, names of the device's own network) do not matter: they are replaced.
    const text = separateCredentials(named).url.replace(
      /^([a-z]+:\/\/)(?:\[[^\]/?#]{0,64}\]|[^/?#:]{0,255})/i,
      `$1${host}`,
    );
    return parseCameraUrl(text, schemes);
  } catch {
    return null;
  }
}

/** Whether the device named its own address, not another. */
export function isAtHost(named: string, host: string): boolean {
  return (
    /^[a-z]+:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(named.slice(0, MAX_CHARS))?.[1]?.toLowerCase() === host.toLowerCase()
  );
}

/** An address as text. */
export const urlText = ({ scheme, authority, target }: CameraUrl): string => `${scheme}://${authority}${target}`;

/** The device service of a device that answered from `address`: the one it names there, else its first, moved there. */
export function deviceAddress(named: readonly string[], address: string): string | null {
  const schemes = ['http', 'https'] as const;
  const own = named.filter((each) => isAtHost(each, address));
  const candidates = [...own, ...named].map((each) => addressAt(each, address, schemes));
  const url = candidates.find((each) => each !== null);
  return url ? urlText(url) : null;
}

/** Where the device service is when the user gave no path. */
export function withStandardPath(url: CameraUrl): CameraUrl {
  return url.target === '/' ? { ...url, target: STANDARD_PATH } : url;
}
