// Fetches what playback needs: playlists, heads and pieces; a few at a time, aborted when nobody wants them any more.

import { api, fetchMedia } from '../api.ts';
import { urlOf } from '../base.ts';
import { type HeadFacts, parseHead } from './playback-boxes.ts';
import { type Bytes, type Piece, parsePlaylist } from './playback-list.ts';

/** Heads kept: about 1.5 KB each. */
const KEPT_HEADS = 300;
/** Pieces fetched before they are needed. */
const MAX_AHEAD = 6;

export type Head = { readonly bytes: Uint8Array<ArrayBuffer>; readonly facts: HeadFacts | null };
export type Fetched<T> =
  | { readonly ok: true; readonly value: T }
  /** `gone`: it will not come by asking again. */
  | { readonly ok: false; readonly gone: boolean; readonly message: string };

type Waiting = { readonly result: Promise<Fetched<Uint8Array<ArrayBuffer>>>; readonly abort: AbortController };

const nameOf = ({ url, range }: Bytes) => `${url} ${range ?? ''}`;

/** One camera's recordings over HTTP. `stop` ends everything that is under way. */
export class PlaybackSource {
  readonly #camera: string;
  readonly #heads = new Map<string, Promise<Fetched<Head>>>();
  readonly #pieces = new Map<string, Waiting>();
  readonly #abort = new AbortController();

  constructor(camera: string) {
    this.#camera = camera;
  }

  stop(): void {
    this.#abort.abort();
    for (const { abort } of this.#pieces.values()) abort.abort();
    this.#pieces.clear();
  }

  /** The pieces of a span; none when nothing is recorded there. */
  async list(from: number, to: number): Promise<Fetched<Piece[]>> {
    const span = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
    const path = `cameras/${encodeURIComponent(this.#camera)}/playback.m3u8?${span}`;
    const reply = await fetchMedia(path, null, this.#abort.signal);
    if (!reply.ok) return reply.status === 404 ? { ok: true, value: [] } : failed(reply);
    return { ok: true, value: parsePlaylist(new TextDecoder().decode(reply.bytes), urlOf(path)) };
  }

  /** When the first recording at or after a moment begins, or the moment itself inside one; `null`: there is none. */
  async next(at: number): Promise<Fetched<number | null>> {
    const result = await api.segments(
      this.#camera,
      { from: new Date(at).toISOString(), to: new Date(Date.now() + 86_400_000).toISOString(), limit: 1 },
      this.#abort.signal,
    );
    if (!result.ok) return { ok: false, gone: false, message: result.error.message };
    const [segment] = result.value.segments;
    return { ok: true, value: segment ? Math.max(at, Date.parse(segment.start)) : null };
  }

  /** The head of a file, kept. */
  head(bytes: Bytes): Promise<Fetched<Head>> {
    const name = nameOf(bytes);
    const kept = this.#heads.get(name);
    if (kept) return kept;
    const result = this.#fetch(bytes, this.#abort.signal).then<Fetched<Head>>((fetched) =>
      fetched.ok ? { ok: true, value: { bytes: fetched.value, facts: parseHead(fetched.value) } } : fetched,
    );
    this.#heads.set(name, result);
    if (this.#heads.size > KEPT_HEADS) this.#heads.delete(this.#heads.keys().next().value!);
    void result.then(({ ok }) => {
      if (!ok) this.#heads.delete(name);
    });
    return result;
  }

  /** Begins to fetch a piece before it is asked for. */
  prepare(piece: Piece): void {
    const name = nameOf(piece);
    if (this.#pieces.has(name) || this.#pieces.size >= MAX_AHEAD) return;
    const abort = new AbortController();
    this.#pieces.set(name, { result: this.#fetch(piece, abort.signal), abort });
    void this.head(piece.head);
  }

  /** A piece's bytes; once. */
  async piece(piece: Piece): Promise<Fetched<Uint8Array<ArrayBuffer>>> {
    const name = nameOf(piece);
    const prepared = this.#pieces.get(name);
    if (!prepared) return this.#fetch(piece, this.#abort.signal);
    const result = await prepared.result;
    this.#pieces.delete(name);
    return result;
  }

  /** Gives up what was prepared for other moments. */
  forgetAllBut(pieces: readonly Piece[]): void {
    const wanted = new Set(pieces.map(nameOf));
    for (const [name, { abort }] of this.#pieces) {
      if (wanted.has(name)) continue;
      abort.abort();
      this.#pieces.delete(name);
    }
  }

  async #fetch({ url, range }: Bytes, signal: AbortSignal): Promise<Fetched<Uint8Array<ArrayBuffer>>> {
    const reply = await fetchMedia(url, range, signal);
    return reply.ok ? { ok: true, value: reply.bytes } : failed(reply);
  }
}

function failed({ status, message }: { status: number; message: string }) {
  const gone = status === 404 || status === 410 || status === 416 || status === 502;
  return { ok: false, gone, message } as const;
}
