// A reporter for `node --test`: the file of every test that failed, a line each.

import { relative } from 'node:path';

export default async function* failedFiles(events) {
  for await (const { type, data } of events) {
    if (type === 'test:fail') yield `${relative(process.cwd(), data.file ?? data.name)}\n`;
  }
}
