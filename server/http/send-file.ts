// Files by range and condition (RFC 9110), under a name that people can read.

import { constants, type FileHandle, open } from 'node:fs/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NvrError } from '../core/nvr-error.ts';
import { chooseRange } from './byte-range.ts';

/** For what never changes under its id. */
export const CACHE_CLOSED = 'private, max-age=3600';

/** A file to send. */
export type SentFile = {
  readonly id: string;
  readonly file: string;
  /** Served bytes; `null`: the whole file, which never changes. A number: what there is of it so far, not to be kept. */
  readonly bytes: number | null;
  readonly type: string;
  /** What it is called when it is saved. */
  readonly name: string;
  /** Save instead of show. */
  readonly download: boolean;
};

/** Answers a GET or HEAD with a file. @throws NvrError `not_found` when there is none */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, sent: SentFile): Promise<FastifyReply> {
  const { id, bytes: limit, type, name, download } = sent;
  const handle = await openFile(sent.file);
  let sending = false;
  try {
    const { size: fileSize, mtimeMs } = await handle.stat();
    const size = Math.min(fileSize, limit ?? fileSize);
    const etag = `"${id}-${size}"`;
    const lastModified = new Date(mtimeMs).toUTCString();
    reply.header('Accept-Ranges', 'bytes').header('ETag', etag).header('Last-Modified', lastModified);
    reply.header('Cache-Control', limit === null ? CACHE_CLOSED : 'no-store');
    const answer = chooseRange(request.method, request.headers, { size, etag, lastModifiedMs: mtimeMs });
    if (answer.status === 416) {
      reply.header('Content-Range', `bytes */${size}`);
      return reply.code(416).send();
    }
    if (!('start' in answer)) return reply.code(answer.status).send();
    const { status, start, end } = answer;
    reply.code(status).type(type).header('Content-Disposition', disposition(name, download));
    reply.header('Content-Length', end - start + 1);
    if (status === 206) reply.header('Content-Range', `bytes ${start}-${end}/${size}`);
    if (request.method === 'HEAD' || end < start) return reply.send();
    sending = true;
    const bytes = handle.createReadStream({ start, end, autoClose: true });
    const { callerSignal } = request; // a long download ends with the right to it
    callerSignal.addEventListener('abort', () => bytes.destroy(), { once: true });
    if (callerSignal.aborted) bytes.destroy();
    return reply.send(bytes);
  } finally {
    if (!sending) await handle.close();
  }
}

/** Opens a file; never what a symbolic link points to. @throws NvrError `not_found` */
async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw new NvrError('not_found', 'The file of this recording is not there', { cause });
  }
}

/** A name that people can read, also for browsers that only know ASCII (RFC 6266). */
function disposition(full: string, download: boolean): string {
  const plain = full
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .replace(/["\\/:*?<>|%]/g, '_');
  const encoded = encodeURIComponent(full.replace(/[/\\:*?"<>|\p{Cc}]/gu, '_')).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${download ? 'attachment' : 'inline'}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
