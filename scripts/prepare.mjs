#!/usr/bin/env node
// Makes a checkout ready to run: packages, ffmpeg, the built web page. Runs before every `npm start`, so it must be
// quick when nothing has changed. Plain JavaScript without dependencies: at the first run there is only the machine's Node.

import { parseArgs } from 'node:util';
import { acquireLock } from './lib/lock.mjs';
import { installPackages, packagesReady } from './lib/packages.mjs';
import { installPrograms, missingPrograms } from './lib/programs.mjs';
import { cannotPrepare, PrepareError, root } from './lib/run.mjs';
import { buildWeb, webReady } from './lib/web.mjs';

const OLDEST_NODE = 20;

const { values } = parseArgs({
  options: {
    test: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    'no-web': { type: 'boolean', default: false },
  },
});

const mayInstall = !/^(1|on|true|yes)$/i.test(process.env.PERCH_NO_INSTALL ?? '');
const say = (text) => {
  if (!values.quiet) process.stdout.write(`perch: ${text}\n`);
};

/** What is to be done, in order (what most often needs a person first); each knows in milliseconds whether it is done. */
const steps = [
  {
    ready: () => missingPrograms({ forTests: values.test }).length === 0,
    make: () => installPrograms({ forTests: values.test, mayInstall, say }),
  },
  {
    ready: () => packagesReady({ root, withDev: mayInstall || values.test }),
    make: () => installPackages({ root, mayInstall, say }),
  },
];
if (!values['no-web']) steps.push({ ready: () => webReady(root), make: () => buildWeb({ root, say }) });

try {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    cannotPrepare(`Node ${process.versions.node} is too old: Perch needs Node ${OLDEST_NODE} or newer to start.`);
  }
  if (!steps.every((step) => step.ready())) {
    const lock = await acquireLock(root, (holder) =>
      say(`waiting for another start that is preparing (pid ${holder})`),
    );
    try {
      // Asked again one by one: whoever held the lock before may have done it.
      for (const step of steps) if (!step.ready()) await step.make();
    } finally {
      lock.release();
    }
  }
} catch (error) {
  if (!(error instanceof PrepareError)) throw error;
  process.stderr.write(`perch: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
