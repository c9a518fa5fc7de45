// `npm run fsck`: compares database and disk, prints every difference; `-- --repair` mends. Exit 0 only when they agree.

import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { fsck } from '../recording/fsck.ts';

const DATABASE_FILE = 'perch.db';
const EXIT = { agree: 0, differ: 1, couldNotLook: 2 } as const;
const USAGE = 'Usage: npm run fsck [-- --repair]   (PERCH_DATA_DIR chooses the data directory)';

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return EXIT.agree;
  }
  const unknown = args.find((arg) => arg !== '--repair');
  if (unknown !== undefined) {
    console.error(`Unknown option ${unknown}. ${USAGE}`);
    return EXIT.couldNotLook;
  }
  const repair = args.includes('--repair');
  try {
    const { dataDir } = readConfig(process.env);
    const { found, left, running } = await fsck({ dataDir, databaseFile: join(dataDir, DATABASE_FILE), repair });
    const stayed = new Set(left.map(({ kind, path }) => `${kind} ${path}`));
    for (const { kind, path, detail } of found) {
      const mark = !repair ? '' : stayed.has(`${kind} ${path}`) ? 'NOT MENDED ' : 'mended ';
      console.log(`${mark}${kind} ${path}: ${detail}`);
    }
    // What only came to light while mending.
    const first = new Set(found.map(({ kind, path }) => `${kind} ${path}`));
    for (const { kind, path, detail } of left)
      if (!first.has(`${kind} ${path}`)) console.log(`NOT MENDED ${kind} ${path}: ${detail}`);
    if (left.length === 0) {
      console.log(found.length === 0 ? 'Database and disk agree.' : `Mended ${found.length}. Database and disk agree.`);
      return EXIT.agree;
    }
    console.log(
      `${left.length} differences.${repair ? '' : running ? ' Perch is running; stop it to repair.' : ' Mend them with: npm run fsck -- --repair'}`,
    );
    return EXIT.differ;
  } catch (error) {
    console.error(`fsck: ${(error as Error).message}`);
    return EXIT.couldNotLook;
  }
}

process.exitCode = await main(process.argv.slice(2));
