// tshark for tests: reads captures with our dissectors.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const scripts = ['dahua.lua', 'teg.lua'].map((name) =>
  fileURLToPath(new URL(`../../tools/wireshark/${name}`, import.meta.url)),
);

/** For `test(..., { skip })`. */
export const noTshark: string | false =
  spawnSync('tshark', ['--version']).status === 0 ? false : 'tshark is not installed';

/** One line per packet that passes the filter, fields separated by tabs. */
export async function tshark(file: Uint8Array, fields: readonly string[], filter = ''): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'perch-tshark-'));
  try {
    const path = join(folder, 'capture.pcapng');
    await writeFile(path, file);
    const { stdout } = await run(
      'tshark',
      [
        ...['-r', path, '-n', ...scripts.flatMap((script) => ['-X', `lua_script:${script}`])],
        ...['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]),
        ...(filter === '' ? [] : ['-Y', filter]),
        ...['-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
      ],
      { maxBuffer: MAX_OUTPUT_BYTES },
    );
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
