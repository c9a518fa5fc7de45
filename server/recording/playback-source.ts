// The recordings of a span, in order, and where their parts are: what playback and export are made from.

import { constants, open } from 'node:fs/promises';
import { NvrError } from '../core/nvr-error.ts';
import { Mp4Fragments } from '../media/mp4-fragments.ts';
import type { Segment } from '../store/segment-index.ts';
import { fileSource } from './file-source.ts';
import type { UnindexedSegment } from './recorder-options.ts';
import type { Recordings } from './recordings.ts';

/** A page of segments. */
const PAGE = 1000;
/** Fragment indexes kept: a day of one-minute files. Some 40 bytes a fragment. */
const KEPT = 1500;

/** A recording, closed or not. */
export type PlaybackFile = Pick<Segment, 'path' | 'startAt' | 'endAt' | 'format' | 'codec' | 'frames' | 'bytes'> & {
  readonly indexed: boolean;
  /** `clockStep`: the file may hold more than its time on the timeline. */
  readonly endReason?: string;
};

/** See the head of this file. */
export class PlaybackSource {
  readonly recordings: Pick<Recordings, 'index' | 'files' | 'unindexed'>;
  readonly #kept = new Map<string, Promise<Mp4Index | null>>();

  constructor(recordings: Pick<Recordings, 'index' | 'files' | 'unindexed'>) {
    this.recordings = recordings;
  }

  /** Every recording of a camera that overlaps `[from, to)`, by time, the open one too. @throws NvrError `bad_input` */
  find(camera: string, from: number, to: number, most: number): PlaybackFile[] {
    const { index, unindexed } = this.recordings;
    const found: PlaybackFile[] = [];
    const query = { camera, from, to, order: 'asc', limit: PAGE } as const;
    for (let page = index.find(query); page.length > 0; ) {
      found.push(...page.map((segment) => ({ ...segment, indexed: true })));
      if (found.length > most) throw new NvrError('bad_input', `There are more than ${most} recordings in this span`);
      const { startAt, id } = page.at(-1)!;
      page = page.length < PAGE ? [] : index.find({ ...query, after: { startAt, id } });
    }
    for (const segment of unindexed.call(this.recordings, camera) as UnindexedSegment[]) {
      const isNew = !found.some(({ startAt }) => startAt === segment.startAt);
      if (isNew && segment.startAt < to && segment.endAt > from) found.push({ ...segment, indexed: false });
    }
    return found;
  }

  /** The recording of a camera that begins at exactly this moment. @throws NvrError `not_found` */
  get(camera: string, startAt: number): PlaybackFile {
    const found = this.find(camera, startAt, startAt + 1, Number.MAX_SAFE_INTEGER).find(
      (file) => file.startAt === startAt,
    );
    if (!found) throw new NvrError('not_found', 'There is no such recording');
    return found;
  }

  /** Where the fragments of an `mp4` are; `null` when it cannot be read (any more). */
  async fragments(file: PlaybackFile): Promise<Mp4Index | null> {
    if (!file.indexed) return this.#read(file);
    const key = file.path;
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const reading = this.#read(file);
    this.#kept.set(key, reading);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    const index = await reading;
    if (!index) this.#kept.delete(key);
    return index;
  }

  async #read(file: PlaybackFile): Promise<Mp4Index | null> {
    const { files } = this.recordings;
    try {
      await using handle = await open(await files.locate(file.path), constants.O_RDONLY | constants.O_NOFOLLOW);
      const fragments = await Mp4Fragments.read(await fileSource(handle));
      return fragments && (await chooseKeys(fragments));
    } catch {
      return null; // deleted, or given its final name, in this moment
    }
  }
}

/** Pieces of a file that begin with a key picture. */
export type Mp4Index = {
  readonly initBytes: number;
  readonly signature: string;
  readonly endOffset: number;
  readonly pieces: readonly { readonly offset: number; readonly timeMs: number }[];
};

/** Length of a piece: short enough to seek, long enough for few requests. */
export const PIECE_MS = 4000;
/** Key pictures come with the first picture after an even second: two of them may be a little closer than that. */
const KEY_SLACK_MS = 500;

async function chooseKeys(fragments: Mp4Fragments): Promise<Mp4Index> {
  const pieces: { offset: number; timeMs: number }[] = [];
  for (const [n, fragment] of fragments.fragments.entries()) {
    const last = pieces.at(-1);
    if (last && fragment.timeMs - last.timeMs < PIECE_MS - KEY_SLACK_MS) continue;
    if (!last || (await fragments.isKey(n))) pieces.push(fragment);
  }
  const { initBytes, signature, endOffset } = fragments;
  return { initBytes, signature, endOffset, pieces };
}
