// Cards already painted: one per camera and width, painted again only when they would say something else.

import type { Clock } from '../core/clock.ts';
import { NvrError } from '../core/nvr-error.ts';
import { Turns } from '../core/turns.ts';
import { paintCard, sinceText, stateText } from './card.ts';
import { type LiveCamera, NO_SIGNAL_MS } from './live-camera.ts';
import { makePart, type Part } from './mjpeg-part.ts';
import { plainCard } from './plain-card.ts';
import { stillFrame, stillOf } from './still.ts';

/** Cards kept, over all cameras and widths; some tens of kilobytes each. */
const MAX_CARDS = 100;
/** Cards painted at once; each takes a thread for some tens of milliseconds. */
const MAX_PAINTING = 2;
/** Cards waiting to be painted; beyond that the plain one must do. */
const MAX_WAITING = 50;

/** A card, or the promise of one. */
export type CardEntry = { readonly key: string; part: Part | null; readonly painting: Promise<Part> };

/** The cards of all cameras. */
export class CardCache {
  readonly #clock: Clock;
  readonly #cards = new Map<string, CardEntry>();
  readonly #turns = new Turns({
    ...{ most: MAX_PAINTING, maxWaiting: MAX_WAITING },
    tooMany: () => new NvrError('unavailable', 'Too many cards are being painted'),
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The card as it should look now; the same entry as long as it says the same. Painting begins at once. */
  get(camera: LiveCamera, width: number | null): CardEntry {
    const newest = camera.hub.newestVideo;
    const picture = newest?.frame ?? null;
    const { name } = camera.config;
    const state = stateText(camera.status());
    const isLost = picture !== null && this.#clock.monoMs() - picture.monoMs >= NO_SIGNAL_MS;
    const since = isLost ? sinceText(picture.at, this.#clock.wallMs()) : '';
    const key = [name, state, since, newest?.seq].join('\n');
    const place = `${camera.id} ${width ?? ''}`;
    const known = this.#cards.get(place);
    if (known?.key === key) return known;
    const paint = async () => {
      const source = stillFrame(camera.hub, this.#clock.monoMs(), null);
      const still = source && (await stillOf(camera.hub, source).catch(() => null));
      return paintCard({ name, state, since, picture: still?.data ?? null, width });
    };
    const painting = this.#turns.run(paint).catch(() => plainCard);
    const entry: CardEntry = { key, part: null, painting: painting.then(makePart) };
    void entry.painting.then((part) => {
      entry.part = part;
    });
    this.#cards.delete(place);
    this.#cards.set(place, entry);
    if (this.#cards.size > MAX_CARDS) this.#cards.delete(this.#cards.keys().next().value!);
    return entry;
  }
}
