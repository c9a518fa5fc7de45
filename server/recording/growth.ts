// How far a file that ffmpeg writes has come: what is surely in it, and whether ffmpeg hangs. Pure; fed once a second.

/** Pictures are given and the file does not grow for this long: ffmpeg hangs. Or for so many median distances. */
export const HUNG_MS = 20_000;
const HUNG_FRAMES = 3;

/** What had been given to ffmpeg at some moment. */
export type Mark = { readonly lastMonoMs: number; readonly frames: number };

/** One file's growth. Times are monotonic milliseconds. */
export class Growth {
  /** Size when it was last looked at. */
  bytes = 0;
  /** The newest mark that is surely in the file; `null` at first. */
  flushed: Mark | null = null;
  #mark: Mark | null = null;
  #grewMonoMs: number;

  constructor(startMonoMs: number) {
    this.#grewMonoMs = startMonoMs;
  }

  /** Takes a look's result. Looks are a second apart: longer than ffmpeg holds anything back (FLUSH_MS, interleaving). */
  note(nowMonoMs: number, bytes: number, given: Mark): void {
    if (bytes > this.bytes) {
      this.#grewMonoMs = nowMonoMs;
      this.bytes = bytes;
      this.flushed = this.#mark;
    }
    this.#mark = given;
  }

  /** Whether pictures go in and nothing comes out. */
  isHung(nowMonoMs: number, given: Mark, medianMs: number): boolean {
    const allowedMs = Math.max(HUNG_MS, HUNG_FRAMES * medianMs);
    return nowMonoMs - this.#grewMonoMs > allowedMs && given.lastMonoMs > this.#grewMonoMs;
  }
}
