// The rows of all cameras, as far as the view needs them: read around it, kept up to date at the live edge.

import { signal } from '@preact/signals';
import { api } from '../api.ts';
import type { EventEntry } from '../api-types.ts';
import { onFact, onReconnect } from '../events.ts';
import { DAY_MS, lengthOf, type View } from './scale.ts';
import { EMPTY_ROW, parseRow, type Row, type Span, spliceRow } from './spans.ts';

const DEBOUNCE_MS = 120;
const LIVE_EVERY_MS = 2000;
/** The newest part may still be corrected: a camera's loss is known some seconds late. */
const SETTLED_AFTER_MS = 90_000;
const RELOAD_DELAY_MS = 700;
const RETRY_MS = 5000;
/** Longer spans have no room for single events. */
const MAX_EVENTS_SPAN_MS = 8 * DAY_MS;
const MAX_EVENTS = 500;
/** Changes that everybody sees in the rows anyway. */
const SEEN_ANYWAY = new Set(['camera.added', 'camera.changed', 'camera.wentLive', 'camera.lost', 'camera.status']);

/** Something that happened, to be marked on a row. */
export type Mark = { readonly at: number; readonly camera: string; readonly event: EventEntry };

/** See the head of this file. `stop` it. */
export class TimelineRows {
  /** By id of the camera. */
  readonly rows = signal<ReadonlyMap<string, Row>>(new Map());
  readonly marks = signal<readonly Mark[]>([]);
  /** What the rows are known for; `null` before the first answer. */
  readonly known = signal<Span | null>(null);
  readonly error = signal<string | null>(null);
  /** What the server's clock is ahead of ours. */
  skewMs = 0;
  #view: View;
  #timer: number | undefined;
  #abort: AbortController | null = null;
  #settled = 0;
  /** What is being read. */
  #loading: Span | null = null;
  #refreshing = false;
  #stopped = false;
  readonly #offs: (() => void)[] = [];

  constructor(view: View) {
    this.#view = view;
    void this.#load();
    const live = setInterval(() => void this.#refresh(), LIVE_EVERY_MS);
    this.#offs.push(
      () => clearInterval(live),
      onReconnect(() => this.reload()),
      onFact(({ name }) => {
        if (['segment.deleted', 'segment.lost', 'segment.adopted', 'camera.removed', 'camera.added'].includes(name))
          this.reload();
      }),
    );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    for (const off of this.#offs) off();
  }

  /** The server's clock. */
  now(): number {
    return Date.now() + this.skewMs;
  }

  row(camera: string): Row {
    return this.rows.value.get(camera) ?? EMPTY_ROW;
  }

  /** The view moved. */
  show(view: View): void {
    this.#view = view;
    const until = Math.min(view.to, this.now()) - LIVE_EVERY_MS * 3;
    const covers = (span: Span | null) => span !== null && view.from >= span.from && until <= span.to;
    // What is on its way is not asked for again: a view that follows moves twice a second, and a server may be slow.
    if (!covers(this.known.peek()) && !covers(this.#loading) && this.#timer === undefined) this.#later(DEBOUNCE_MS);
  }

  /** Reads everything again, soon. */
  reload(): void {
    this.#later(RELOAD_DELAY_MS);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#timer = undefined;
      void this.#load();
    }, ms);
  }

  /** The view and as much again on both sides. */
  async #load(): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const { from, to } = this.#view;
    const length = lengthOf(this.#view);
    const span = { from: Math.floor(from - length), to: Math.ceil(Math.max(from, Math.min(to + length, this.now()))) };
    this.#loading = span;
    const events = this.#loadMarks(span, abort.signal);
    const fresh = await this.#ask(span, abort.signal);
    if (this.#abort === abort) this.#loading = null;
    if (!fresh || abort.signal.aborted) return;
    this.rows.value = fresh;
    this.known.value = span;
    await events;
  }

  /** The live edge. */
  async #refresh(): Promise<void> {
    const known = this.known.peek();
    const now = this.now();
    const hidden = document.visibilityState !== 'visible' || this.#view.to < this.#settled;
    if (!known || hidden || this.#refreshing || this.#timer !== undefined || this.#stopped) return;
    if (known.to < now - 3_600_000) return;
    this.#refreshing = true;
    const span = { from: Math.max(known.from, Math.min(this.#settled, known.to)), to: now };
    const fresh = await this.#ask(span, this.#abort?.signal);
    this.#refreshing = false;
    if (!fresh || this.known.peek() !== known) return;
    const rows = new Map<string, Row>();
    for (const [id, row] of fresh) rows.set(id, spliceRow(this.rows.peek().get(id) ?? EMPTY_ROW, row, span));
    this.rows.value = rows;
    this.known.value = { from: known.from, to: now };
  }

  async #ask(span: Span, signal?: AbortSignal): Promise<Map<string, Row> | null> {
    const askedAt = Date.now();
    const iso = (at: number) => new Date(at).toISOString();
    const result = await api.timelines({ from: iso(span.from), to: iso(Math.max(span.to, span.from + 1000)) }, signal);
    if (this.#stopped || signal?.aborted) return null;
    if (!result.ok) {
      this.error.value = result.error.message;
      this.#later(RETRY_MS);
      return null;
    }
    this.error.value = null;
    // Half of the way there and back.
    this.skewMs = Date.parse(result.value.now) - (askedAt + Date.now()) / 2;
    this.#settled = this.now() - SETTLED_AFTER_MS;
    return new Map(result.value.cameras.map((camera) => [camera.id, parseRow(camera)]));
  }

  async #loadMarks(span: Span, signal: AbortSignal): Promise<void> {
    if (span.to - span.from > MAX_EVENTS_SPAN_MS) {
      this.marks.value = [];
      return;
    }
    const iso = (at: number) => new Date(at).toISOString();
    const result = await api.events({ from: iso(span.from), to: iso(span.to + 1000), limit: MAX_EVENTS }, signal);
    if (!result.ok || signal.aborted || this.#stopped) return; // the rows say what went wrong
    this.marks.value = result.value.events.flatMap((event) => {
      if (!event.camera || SEEN_ANYWAY.has(event.type) || event.type.startsWith('segment.')) return [];
      return [{ at: Date.parse(event.at), camera: event.camera, event }];
    });
  }
}
