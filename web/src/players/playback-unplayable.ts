// What this browser cannot play of a camera's recordings (H.265 in most of them): told by the head of each file, so that it is
// found out once. Pure.

import type { HeadFacts } from './playback-boxes.ts';
import type { Bytes, Piece } from './playback-list.ts';

const nameOf = ({ url, range }: Bytes) => `${url} ${range ?? ''}`;

/** Files of which nothing can be shown here. */
export class Unplayable {
  readonly #plays: (mime: string) => boolean;
  readonly #kinds = new Map<string, string>();

  /** @param plays what the browser says to a MIME type */
  constructor(plays: (mime: string) => boolean) {
    this.#plays = plays;
  }

  /** Looks at the head of a piece's file. @returns whether the browser plays such files */
  check({ head }: Piece, facts: HeadFacts | null): facts is HeadFacts {
    if (facts && this.#plays(facts.mime)) return true;
    this.#kinds.set(nameOf(head), facts?.video === 'h265' ? 'H.265' : 'this kind of video');
    return false;
  }

  /** What a piece is when it is known not to play here, else `null`. */
  kindOf(piece: Piece | null): string | null {
    return (piece && this.#kinds.get(nameOf(piece.head))) ?? null;
  }
}

/** What to say where there is nothing else to show. */
export const unplayableSentence = (kind: string) =>
  `This browser cannot play ${kind}. Download the recording to watch it.`;
