// Encodes pieces of MJPEG recordings for HLS when they are asked for: in memory, few at a time, nothing on disk.

import { NvrError } from '../core/nvr-error.ts';
import { Turns } from '../core/turns.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { pieceJob } from '../ffmpeg/piece-job.ts';
import { wholeOutput } from '../ffmpeg/whole-output.ts';
import { parseBoxHead } from '../media/mp4-boxes.ts';

/** ffmpegs at the same time; each may take a whole processor. Callers that may wait for one. */
const WORKERS = 2;
const MAX_WAITING = 32;
/** A piece is a few seconds of one camera. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;
/** Heads kept, about 1.3 KB each. */
const KEPT = 2000;
/** Of the first pictures: enough for a head. */
const HEAD_SECONDS = 0.5;

/** Which part of a file, seconds of its own clock; `end` `null`: to the end. */
export type PieceSpan = { readonly start: number; readonly end: number | null };

/** See the head of this file. */
export class PlaybackEncoder {
  readonly #heads = new Map<string, Buffer>();
  /** Heads that come with a piece which is being encoded. */
  readonly #coming = new Map<string, Promise<Buffer>>();
  readonly #turns = new Turns({
    ...{ most: WORKERS, maxWaiting: MAX_WAITING },
    tooMany: () => new NvrError('unavailable', 'Too many recordings are being converted'),
  });

  /**
   * The initialization section for all pieces of a file.
   * @param key names the file for ever
   * @throws NvrError `unavailable` (too many at once), `protocol` (it cannot be read)
   */
  async head(key: string, file: string, signal: AbortSignal): Promise<Buffer> {
    const kept = this.#heads.get(key) ?? (await this.#coming.get(key)?.catch(() => null));
    if (kept) return kept;
    const { head } = split(await this.#encode(file, { start: 0, end: HEAD_SECONDS }, signal));
    this.#keep(key, head);
    return head;
  }

  /**
   * The fragments of one piece. A piece has a head, too: who asks for that meanwhile gets this one.
   * @throws NvrError as {@link head}
   */
  async piece(key: string, file: string, span: PieceSpan, signal: AbortSignal): Promise<Buffer> {
    const encoding = this.#encode(file, span, signal).then(split);
    const head = encoding.then((parts) => parts.head);
    if (!this.#heads.has(key) && !this.#coming.has(key)) {
      this.#coming.set(key, head);
      head
        .then(
          (bytes) => this.#keep(key, bytes),
          () => {},
        )
        .finally(() => this.#coming.delete(key));
    } else head.catch(() => {});
    return (await encoding).fragments;
  }

  #keep(key: string, head: Buffer): void {
    this.#heads.set(key, head);
    if (this.#heads.size > KEPT) this.#heads.delete(this.#heads.keys().next().value!);
  }

  #encode(file: string, span: PieceSpan, signal: AbortSignal): Promise<Buffer> {
    return this.#turns.run(() => {
      if (signal.aborted) throw new NvrError('cancelled', 'Nobody waits for this piece any more');
      return run(file, span, signal);
    });
  }
}

async function run(file: string, span: PieceSpan, signal: AbortSignal): Promise<Buffer> {
  const ffmpeg = FfmpegProcess.start(pieceJob({ file, ...span }));
  const leave = () => void ffmpeg.kill();
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await wholeOutput(ffmpeg, MAX_PIECE_BYTES, 'This recording is too large to be converted');
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Parts the head (ftyp, moov) from the fragments; what comes behind the last mdat is left out. */
function split(bytes: Buffer): { head: Buffer; fragments: Buffer } {
  let headBytes = 0;
  let end = 0;
  for (let offset = 0; offset + 8 <= bytes.length; ) {
    const box = parseBoxHead(bytes.subarray(offset, offset + 16));
    if (!box || offset + box.size > bytes.length) break;
    offset += box.size;
    if (box.type === 'ftyp' || box.type === 'moov') headBytes = offset;
    if (box.type === 'mdat') end = offset;
  }
  if (headBytes === 0) throw new NvrError('protocol', 'There are no pictures in this part of the recording');
  return { head: bytes.subarray(0, headBytes), fragments: bytes.subarray(headBytes, Math.max(headBytes, end)) };
}
