// The thread of checkpointer.ts: a connection of its own that moves the write-ahead log into the database when it is asked
// to, and is closed before the thread ends.

import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { CheckpointAnswer, CheckpointOrder } from './checkpointer.ts';

const db = new Sqlite(workerData as string, { fileMustExist: true });
// As in database.ts: what is moved is safe before the log may be written anew.
db.pragma('synchronous = NORMAL');

parentPort?.on('message', (order: CheckpointOrder) => {
  if (order === 'end') {
    db.close();
    parentPort?.close();
    return;
  }
  let answer: CheckpointAnswer = null;
  try {
    // Passive: waits for nobody, and nobody waits for it.
    db.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    answer = (error as Error).message;
  }
  parentPort?.postMessage(answer);
});
