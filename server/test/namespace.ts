// A network namespace for tests of what only a real network does. Nothing in it reaches anything outside.

import { spawnSync } from 'node:child_process';

const SET_UP = [
  'ip link set lo up',
  'ip link add v0 type veth peer name v1',
  'ip addr add 10.77.0.1/24 brd + dev v0',
  'ip link set v0 up && ip link set v1 up',
  'ip route add 224.0.0.0/4 dev v0',
].join(' && ');

const unshare = (script: string) =>
  spawnSync('unshare', ['-rn', 'sh', '-c', script], { encoding: 'utf8', timeout: 60_000 });

/** For `test(..., { skip })`. */
export const noNamespace: string | false =
  unshare(SET_UP).status === 0 ? false : 'network namespaces cannot be made here';

/**
 * Runs a program of this folder in a namespace with one ordinary interface, 10.77.0.1.
 * @param more further lines of the shell that sets it up
 */
export function runInNamespace(child: string, words: readonly string[], more = 'true') {
  const path = new URL(child, import.meta.url).pathname;
  const command = [process.execPath, path, ...words].map((word) => `'${word}'`).join(' ');
  return unshare(`${SET_UP} && ${more} && exec ${command}`);
}
