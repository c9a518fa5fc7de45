// A file on disk for the scanners.

import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from '../media/byte-source.ts';

/** Reads an open file at any place. Its size is that of now: an open segment grows. */
export async function fileSource(handle: FileHandle): Promise<ByteSource> {
  const { size } = await handle.stat();
  return {
    size,
    async read(offset, length) {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
      return buffer.subarray(0, bytesRead);
    },
  };
}
