// Whom a driver will ask with these settings. Pure.

import type { DriverSettings, OutsideService } from '../api-types.ts';

/** The hosts without their ports, each once; empty for drivers that talk to nobody but the camera. */
export function outsideHosts(outside: OutsideService | null, settings: DriverSettings): string[] {
  if (!outside) return [];
  const own = settings[outside.setting];
  const named = typeof own === 'string' && own.trim() !== '' ? [own.trim()] : (profileHosts(settings) ?? outside.hosts);
  return [...new Set(named.map((host) => host.replace(/:\d+$/, '')))];
}

/** Hosts of a list of clouds that only the interface can set. */
function profileHosts({ advanced }: DriverSettings): string[] | null {
  const profiles = (advanced as { profiles?: unknown } | undefined)?.profiles;
  if (!Array.isArray(profiles) || profiles.length === 0) return null;
  return profiles.map((profile: { server?: unknown }) => String(profile.server));
}
