// Runs test files in lanes beside each other and prints them as one run of `node --test`: one report, one summary.

import { relative } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Lines of the summary, as `node --test` names them. */
const COUNTS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'];

const collect = (events) => Array.fromAsync(events);

/** The number of a line of a lane's summary; `null` for everything else. */
function countOf({ type, data }) {
  if (type !== 'test:diagnostic' || data.nesting !== 0) return null;
  const [, name, number] = /^(\w+) ([\d.]+)$/.exec(data.message) ?? [];
  return COUNTS.includes(name) || name === 'duration_ms' ? { name, number: Number(number) } : null;
}

/**
 * @param lanes `{ files, concurrency }` each; the first one is printed while it runs, the others after it
 * @param timeoutMs of one file
 * @returns the files in which something failed, and the seconds that each file's tests took, longest first
 */
export async function runLanes(lanes, timeoutMs) {
  const started = performance.now();
  const counts = new Map(COUNTS.map((name) => [name, 0]));
  const failed = new Set();
  const seconds = new Map();
  const note = ({ type, data }) => {
    if (type !== 'test:fail' && type !== 'test:pass') return;
    const file = relative(process.cwd(), data.file ?? data.name);
    // What is marked as todo may fail.
    if (type === 'test:fail' && data.todo === undefined) failed.add(file);
    if (data.nesting === 0) seconds.set(file, (seconds.get(file) ?? 0) + data.details.duration_ms / 1000);
  };
  const streams = lanes
    .filter(({ files }) => files.length > 0)
    .map(({ files, concurrency }) => run({ files, concurrency, timeout: timeoutMs }));
  const later = streams.slice(1).map(collect);
  async function* merged() {
    for (const events of [streams[0] ?? [], ...later]) {
      for await (const event of await events) {
        const count = countOf(event);
        if (count) {
          if (counts.has(count.name)) counts.set(count.name, counts.get(count.name) + count.number);
          continue;
        }
        note(event);
        if (event.type !== 'test:summary') yield event;
      }
    }
    const lines = [...counts, ['duration_ms', performance.now() - started]];
    for (const [name, number] of lines)
      yield { type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${number}`, level: 'info' } };
  }
  const report = Readable.from(merged()).compose(new spec());
  report.pipe(process.stdout, { end: false });
  await finished(report, { writable: false });
  if (counts.get('fail') + counts.get('cancelled') > 0 && failed.size === 0) throw new Error('A failure names no file');
  return { failed: [...failed], seconds: [...seconds].sort(([, a], [, b]) => b - a) };
}
