// Is this Host header one of ours? A page of another site can point its own name at Perch's address (DNS rebinding) and
// then read with the visitor's rights; refusing names that nobody gave to Perch ends that. Pure.

import { isIP } from 'node:net';

const LOCAL_SUFFIXES = ['.local', '.lan', '.home.arpa'] as const;

/** Host without port, brackets, final dot and capitals; `null` when it is not a host at all. */
export function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^\s:/@\\[\]]+))(?::\d{1,5})?$/i.exec(host);
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, '');
}

/** Whether Perch answers to this Host header: addresses, undotted and local names, and what the user allowed. */
export function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  const name = hostName(host);
  if (name === null || name === '' || name.startsWith('.')) return false;
  if (isIP(name) !== 0 || !name.includes('.')) return true;
  return LOCAL_SUFFIXES.some((suffix) => name.endsWith(suffix)) || allowed.includes(name);
}
