// The thread of checkpointer.ts: a connection of its own that moves the write-ahead log into the database when it is asked
// to, and is closed before the thread ends. Plain JavaScript: a thread that must strip types first takes three times the
// processor (140 ms) and twice the memory (27 MB) to begin.

import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

const db = new Sqlite(workerData, { fileMustExist: true });
// As in database.ts: what is moved is safe before the log may be written anew.
db.pragma('synchronous = NORMAL');

parentPort?.on('message', (order) => {
  if (order === 'end') {
    db.close();
    parentPort?.close();
    return;
  }
  let answer = null;
  try {
    // Passive: waits for nobody, and nobody waits for it.
    db.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    answer = error.message;
  }
  parentPort?.postMessage(answer);
});
