// The file that is being written, watched from outside: how much of it is surely on disk, whether ffmpeg hangs, and the
// time that it takes from recordings of an earlier clock.

import type { Logger } from '../core/logger.ts';
import { toNvrError } from '../core/nvr-error.ts';
import { Growth } from './growth.ts';
import type { OpenSegment, RecorderOptions } from './recorder-options.ts';
import { PART_SUFFIX } from './segment-files.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** See the head of this file. `look` once a second. */
export class OpenFile {
  readonly writer: SegmentWriter;
  readonly #options: Pick<RecorderOptions, 'camera' | 'clock' | 'files' | 'index'>;
  readonly #log: Logger;
  readonly #growth: Growth;
  /** Its time may be that of recordings of a clock that was set back since. */
  readonly #takesTime: boolean;

  constructor(
    writer: SegmentWriter,
    options: Pick<RecorderOptions, 'camera' | 'clock' | 'files' | 'index'>,
    log: Logger,
  ) {
    this.writer = writer;
    this.#options = options;
    this.#log = log;
    this.#growth = new Growth(options.clock.monoMs());
    this.#takesTime = (options.index.lastEnd(options.camera.id) ?? 0) > writer.start.startAt;
  }

  /** What is surely in the file; `null` while nothing is. */
  get segment(): OpenSegment | null {
    const { writer } = this;
    const mark = this.#growth.flushed;
    if (!mark) return null;
    const { startAt, format } = writer.start;
    const endAt = Math.max(startAt + 1, writer.wallAt(mark.lastMonoMs));
    const path = writer.path + PART_SUFFIX;
    return { startAt, endAt, frames: mark.frames, bytes: this.#growth.bytes, format, codec: writer.codec, path };
  }

  /**
   * Looks at the file's size; ends an ffmpeg that takes pictures and writes nothing.
   * @param isOpen asked when the size is known: a file that was closed meanwhile takes no time any more, its row does
   */
  look(isOpen: () => boolean): void {
    const { writer } = this;
    const { clock, files } = this.#options;
    const now = clock.monoMs();
    const given = { frames: writer.frames, lastMonoMs: writer.lastMonoMs };
    void files.size(writer.path + PART_SUFFIX).then((bytes) => {
      this.#growth.note(now, bytes ?? 0, given);
      if (isOpen()) this.#takeTime();
    });
    if (!this.#growth.isHung(now, given, writer.medianMs)) return;
    this.#log.warn({ path: writer.path }, 'Recording does not grow; ending its ffmpeg');
    void writer.ffmpeg.kill();
  }

  /** What an earlier clock put where this segment is now loses its place, as far as this one is on disk. */
  #takeTime(): void {
    const open = this.#takesTime ? this.segment : null;
    if (!open) return;
    try {
      this.#options.index.makeRoom(this.#options.camera.id, open.startAt, open.endAt);
    } catch (error) {
      this.#log.warn({ error: toNvrError(error).message }, 'The index could not be written; it is tried again');
    }
  }
}
