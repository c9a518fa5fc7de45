// What a player of recordings tells its page, and asks it. Times are epoch milliseconds.

export type PlaybackEvents = {
  /** When the picture on the screen was taken. */
  readonly onPosition: (at: number) => void;
  readonly onState: (state: { readonly playing: boolean; readonly waiting: boolean }) => void;
  /** A hole was passed. `unplayable`: what is recorded there and cannot be played here, such as `H.265`. */
  readonly onJump: (from: number, to: number, unplayable: string | null) => void;
  /** There is nothing more to play: this is now, or the last recording. */
  readonly onEdge: () => void;
  /** A sentence; `null`: it goes again. */
  readonly onProblem: (text: string | null) => void;
  readonly now: () => number;
};
