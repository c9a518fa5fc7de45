// `npm run rotate-key`: a new key for the stored camera passwords. Perch must not be running.

import { readConfig } from '../config.ts';
import { rotateKey } from './rotate-key.ts';

const FILES = { database: 'perch.db', key: 'secret.key' };

try {
  const { dataDir } = readConfig(process.env);
  const { sealed, lost } = rotateKey(dataDir, FILES);
  console.log(`The key is new; ${sealed} stored secret${sealed === 1 ? '' : 's'} sealed with it.`);
  for (const { camera, setting } of lost)
    console.log(`${setting} of ${camera} could not be read with the old key; enter it again.`);
  console.log('Backups made before still open with the old key only: keep it with them, or make a new backup.');
} catch (error) {
  console.error(`rotate-key: ${(error as Error).message}`);
  process.exitCode = 1;
}
