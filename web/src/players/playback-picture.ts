// Which picture of a recording is on the screen, and the one beside it. Times are epoch milliseconds.

import { neighborPicture, pictureAt } from './playback-boxes.ts';
import type { PlaybackBuffer } from './playback-buffer.ts';

/** Behind the begin of a picture, so that rounding does not show the one before. */
export const PICTURE_MS = 1;
/** The picture that comes so soon may be on the screen already: browsers show it a refresh or two early. */
const SOON_MS = 40;
const SLACK_MS = PICTURE_MS / 2;

/** See the head of this file. */
export class PlaybackPicture {
  readonly #video: HTMLVideoElement;
  readonly #buffer: PlaybackBuffer;
  readonly #isWanted: () => boolean;
  readonly #onShown: (at: number) => void;
  #stopped = false;
  /** When the picture on the screen was taken; `null`: not known (yet). */
  at: number | null = null;

  /**
   * @param isWanted whether what is shown now is of interest: not while another moment is looked for
   * @param onShown hears when it was taken
   */
  constructor(video: HTMLVideoElement, buffer: PlaybackBuffer, isWanted: () => boolean, onShown: (at: number) => void) {
    this.#video = video;
    this.#buffer = buffer;
    this.#isWanted = isWanted;
    this.#onShown = onShown;
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Puts a picture on the screen that is in the buffer. */
  show(picture: number): void {
    this.#video.currentTime = this.#buffer.mediaOf(picture + PICTURE_MS);
    this.#tell(picture);
  }

  /** The picture after (or before) the one shown at a moment; `null`: not in the buffer. */
  beside(at: number, direction: 1 | -1): number | null {
    return neighborPicture(this.#buffer.pictures(), at, direction, SLACK_MS);
  }

  /**
   * What stands still is the picture that the clock names. A busy browser shows pictures that it does not tell of: the one
   * it stopped at is then another than the last one it told, and a step from there would lead to what is shown already.
   */
  settle(): void {
    if (!this.#isWanted()) return;
    const at = this.#buffer.wallOf(this.#video.currentTime);
    const picture = pictureAt(this.#buffer.pictures(), at, SLACK_MS);
    if (picture === null) return;
    const isTold = this.at !== null && Math.abs(this.at - picture) < PICTURE_MS;
    const next = this.beside(picture, 1);
    if (!isTold || (next !== null && next - at < SOON_MS)) this.show(picture);
  }

  /**
   * Without a word from the browser: the picture at the time of the element. Of one that comes while a seek is not over yet
   * nothing is heard, and of those between two calls of a busy page neither.
   */
  guess(): void {
    const at = this.#buffer.wallOf(this.#video.currentTime);
    const tells = 'requestVideoFrameCallback' in this.#video;
    if (tells && this.at !== null) return;
    const picture = pictureAt(this.#buffer.pictures(), at, SLACK_MS);
    if (picture !== null || !tells) this.#tell(picture ?? at);
  }

  #tell(at: number): void {
    this.at = at;
    this.#onShown(at);
  }

  #watch(): void {
    const video = this.#video;
    if (!('requestVideoFrameCallback' in video)) return;
    const shown = (_now: number, { mediaTime }: { mediaTime: number }) => {
      if (this.#stopped) return;
      if (this.#isWanted()) this.#tell(this.#buffer.wallOf(mediaTime));
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }
}
