// What the timeline page is doing: which camera and moment, live or recorded, and what is selected. One for each visit.

import { batch, computed, signal } from '@preact/signals';
import { api } from '../api.ts';
import { cameras } from '../cameras.ts';
import { PlaybackEngine } from '../players/playback-engine.ts';
import { toggleFullScreen } from './full-screen.ts';
import { jumpSentence } from './gap-text.ts';
import { BEGIN_SLACK_MS, neighborStart } from './neighbor.ts';
import { type Place, placeHash } from './place.ts';
import { TimelineRows } from './rows.ts';
import {
  bringIntoView,
  clampView,
  DAY_MS,
  followNow,
  followPlaying,
  HOUR_MS,
  type Limits,
  lengthOf,
  panBy,
  type View,
} from './scale.ts';
import { EMPTY_ROW, findAt, nextRecorded, type Span } from './spans.ts';

export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;
const USUAL_SPAN_MS = 3 * HOUR_MS;
const PHONE_SPAN_MS = HOUR_MS;
const CLOCK_MS = 500;
const NOTE_MS = 4000;
const ADDRESS_EVERY_MS = 1000;
/** A click so close to now means live. */
const LIVE_WITHIN_MS = 4000;
/** Where in the view now must be to be followed, and how close to it a zoom is one around now. */
const NOW_FROM = 0.75;
const NOW_NEAR = 0.05;
/** Following keeps now left of here. */
const NOW_UNTIL = 0.95;
/** How far back the view may go. */
const HISTORY_MS = 400 * DAY_MS;
const SCRUB_EVERY_MS = 250;
const SOUND_KEY = 'perch.playback.volume';

export type Note = { readonly text: string; readonly id: number };

/** See the head of this file. `stop` it. */
export class TimelineStore {
  readonly view;
  readonly rows: TimelineRows;
  readonly now = signal(Date.now());
  /** Id of the chosen camera. */
  readonly cameraId = signal<string | null>(null);
  readonly mode = signal<'live' | 'recorded'>('live');
  /** When the picture on the screen was taken; of use in `recorded`. */
  readonly position = signal(Date.now());
  readonly playing = signal(false);
  readonly waiting = signal(false);
  readonly rate = signal<number>(1);
  readonly muted = signal(false);
  readonly volume = signal(1);
  readonly problem = signal<string | null>(null);
  readonly note = signal<Note | null>(null);
  readonly selection = signal<Span | null>(null);
  /** Drags select instead of moving the view. */
  readonly selecting = signal(false);
  /** The view moves with live pictures or with what plays. */
  readonly following = signal(true);
  readonly camera = computed(() => {
    const list = cameras.value ?? [];
    return list.find(({ id, slug }) => id === this.cameraId.value || slug === this.cameraId.value) ?? list[0] ?? null;
  });
  /** What full screen shows. */
  stage: HTMLElement | null = null;
  #scrub: { at: number; readonly wasPlaying: boolean; readonly timer: number } | null = null;
  #engine: PlaybackEngine | null = null;
  #engineCamera: string | null = null;
  #video: HTMLVideoElement | null = null;
  #addressAt = 0;
  #noteTimer: number | undefined;
  #noteId = 0;
  readonly #clock: number;

  constructor(place: Place) {
    const now = Date.now();
    const span = place.spanMs ?? (matchMedia('(max-width: 719px)').matches ? PHONE_SPAN_MS : USUAL_SPAN_MS);
    const limits = { first: now - HISTORY_MS, last: now };
    const usual = { from: now - span, to: now };
    const view =
      place.at === null
        ? followNow(usual, now, limits)
        : clampView({ from: place.at - span / 2, to: place.at + span / 2 }, limits);
    this.view = signal<View>(view);
    this.rows = new TimelineRows(view);
    this.cameraId.value = place.camera;
    const volume = Number(localStorage.getItem(SOUND_KEY) ?? '1');
    this.volume.value = volume >= 0 && volume <= 1 ? volume : 1;
    this.#clock = window.setInterval(() => this.#tick(), CLOCK_MS);
    if (place.at !== null) {
      this.mode.value = 'recorded';
      this.position.value = place.at;
      this.playing.value = true;
    }
  }

  stop(): void {
    clearInterval(this.#clock);
    clearInterval(this.#scrub?.timer);
    clearTimeout(this.#noteTimer);
    this.#engine?.stop();
    this.#engine = null;
    this.rows.stop();
  }

  limits(): Limits {
    const now = this.rows.now();
    return { first: now - HISTORY_MS, last: now };
  }

  // ---- the view ----

  /**
   * Moves the view by hand. It goes on following what is in it: what plays, or now, when that is what the reader looks at.
   * @param anchor what was zoomed around
   */
  look(view: View, anchor?: number): void {
    const now = this.rows.now();
    const shareOf = (at: number) => (at - view.from) / lengthOf(view);
    const isNow = anchor === undefined ? shareOf(now) >= NOW_FROM : Math.abs(shareOf(anchor) - shareOf(now)) < NOW_NEAR;
    batch(() => {
      this.view.value = view;
      const playing = shareOf(this.position.peek());
      const live = this.mode.peek() === 'live';
      this.following.value = live ? shareOf(now) <= 1 && isNow : playing >= 0 && playing <= 1;
    });
    this.rows.show(view);
  }

  /** The whole of a local day or another span. */
  lookAt(span: Span): void {
    this.look(clampView(span, this.limits()));
  }

  #follow(view: View): void {
    if (view.from === this.view.peek().from && view.to === this.view.peek().to) return;
    this.view.value = view;
    this.rows.show(view);
  }

  #tick(): void {
    const now = this.rows.now();
    const passed = now - this.now.peek();
    this.now.value = now;
    if (!this.following.peek()) return;
    const view = this.view.peek();
    if (this.mode.peek() === 'recorded') {
      if (this.playing.peek()) this.#follow(followPlaying(view, this.position.peek(), this.limits()));
      return;
    }
    // Now stays where the reader put it, unless that is too close to the edge. A clock that jumped: as at the start.
    const share = (now - passed - view.from) / lengthOf(view);
    if (passed < 0 || passed > 10 * CLOCK_MS || share > NOW_UNTIL) this.#follow(followNow(view, now, this.limits()));
    else this.#follow(panBy(view, passed, this.limits()));
  }

  // ---- playing ----

  /** The element that recordings play in; `null` when it leaves the page. */
  attach(video: HTMLVideoElement | null): void {
    this.#video = video;
    if (!video) {
      this.#engine?.stop();
      this.#engine = null;
      return;
    }
    if (this.mode.peek() === 'recorded') this.playRecorded(this.position.peek(), this.playing.peek());
  }

  /** Plays from a moment on, or stands there. So close to now that somebody who points there means live: live. */
  play(at: number, start = true): void {
    if (at >= this.rows.now() - LIVE_WITHIN_MS) this.goLive();
    else this.playRecorded(at, start);
  }

  /** Plays what is recorded, however new: a recording that was chosen by its name may be a short one of just now. */
  playRecorded(at: number, start = true): void {
    const camera = this.camera.peek();
    if (!camera) return;
    batch(() => {
      this.mode.value = 'recorded';
      this.problem.value = null;
      this.position.value = at;
      this.playing.value = start;
      this.following.value = true;
    });
    this.#follow(bringIntoView(this.view.peek(), at, this.limits()));
    this.#writeAddress(true);
    const video = this.#video;
    if (!video) return; // the page puts it there now; `attach` goes on
    if (!this.#engine || this.#engineCamera !== camera.slug) {
      this.#engine?.stop();
      this.#engineCamera = camera.slug;
      this.#engine = this.#makeEngine(video, camera.slug);
      this.#engine.setRate(this.rate.peek());
    }
    const engine = this.#engine;
    if (start) engine.play();
    else engine.pause();
    engine.seek(at);
  }

  #makeEngine(video: HTMLVideoElement, slug: string): PlaybackEngine {
    const isCurrent = () => this.#engine === engine;
    const engine: PlaybackEngine = new PlaybackEngine(video, slug, {
      onPosition: (at) => {
        if (!isCurrent() || this.#scrub) return;
        this.position.value = at;
        this.#writeAddress(false);
      },
      onState: ({ playing, waiting }) => {
        if (!isCurrent()) return;
        const paused = !playing && this.playing.peek();
        this.playing.value = playing;
        this.waiting.value = waiting;
        if (paused) this.#writeAddress(true);
      },
      onJump: (from, to, unplayable) => {
        const found = findAt(this.#row(), (from + to) / 2, this.rows.now(), 0);
        this.say(jumpSentence({ from, to }, found.kind === 'gap' ? found.span.reason : null, unplayable));
      },
      onEdge: () => {
        if (isCurrent()) this.#atEdge();
      },
      onProblem: (text) => {
        if (isCurrent()) this.problem.value = text;
      },
      now: () => this.rows.now(),
    });
    return engine;
  }

  #atEdge(): void {
    const isLive = this.camera.peek()?.status.state === 'live';
    this.goLive();
    this.say(isLive ? 'That was the newest recording: live now' : 'There is nothing newer');
  }

  goLive(): void {
    this.#engine?.stop();
    this.#engine = null;
    batch(() => {
      this.mode.value = 'live';
      this.playing.value = false;
      this.waiting.value = false;
      this.problem.value = null;
      this.rate.value = 1;
      this.following.value = true;
    });
    this.#follow(followNow(this.view.peek(), this.rows.now(), this.limits()));
    this.#writeAddress(true);
  }

  /** Another camera at the same moment. */
  choose(cameraId: string): void {
    if (this.camera.peek()?.id === cameraId) return;
    this.cameraId.value = cameraId;
    this.selection.value = null;
    if (this.mode.peek() === 'recorded') this.play(this.position.peek(), this.playing.peek());
    else this.#writeAddress(true);
  }

  toggle(): void {
    const now = this.rows.now();
    if (this.mode.peek() === 'live') this.play(now - 10_000);
    else if (!this.#engine) this.play(this.position.peek());
    else if (this.playing.peek()) this.#engine.pause();
    else this.#engine.play();
  }

  setRate(rate: number): void {
    this.rate.value = rate;
    this.#engine?.setRate(rate);
  }

  /** Pauses on the next picture, or the one before. */
  step(direction: 1 | -1): void {
    if (this.mode.peek() === 'live') this.play(this.rows.now() - 10_000, false);
    else void this.#engine?.step(direction);
  }

  /** Moves the playing moment. */
  skip(ms: number): void {
    const from = this.mode.peek() === 'live' ? this.rows.now() : this.position.peek();
    const at = from + ms;
    // Forward over a hole; the player would do so, too, but later.
    const next = ms > 0 ? nextRecorded(this.#row(), at) : at;
    if (ms > 0 && next === null && at > this.rows.now() - LIVE_WITHIN_MS) this.goLive();
    else this.play(next ?? at, this.mode.peek() === 'live' ? true : this.playing.peek());
  }

  /** While the marker is dragged: the picture follows, now and then. */
  scrub(at: number, done: boolean): void {
    const moment = Math.min(at, this.rows.now() - LIVE_WITHIN_MS - 1);
    this.#scrub ??= {
      at: moment,
      wasPlaying: this.playing.peek(),
      timer: window.setInterval(() => this.play(this.#scrub?.at ?? moment, false), SCRUB_EVERY_MS),
    };
    this.#scrub.at = moment;
    this.position.value = moment;
    if (!done) return;
    const { wasPlaying, timer } = this.#scrub;
    clearInterval(timer);
    this.#scrub = null;
    this.play(moment, wasPlaying);
  }

  /** Chooses what to export. */
  select(span: Span): void {
    this.selection.value = span;
  }

  /** The recording before or after the one that plays, or the begin of this one. */
  async nextSegment(direction: 1 | -1): Promise<void> {
    const camera = this.camera.peek();
    if (!camera) return;
    const at = this.mode.peek() === 'live' ? this.rows.now() : this.position.peek();
    const iso = (ms: number) => new Date(ms).toISOString();
    const forward = direction > 0;
    const result = await api.segments(camera.slug, {
      from: iso(forward ? at : at - HISTORY_MS),
      to: iso(forward ? this.rows.now() + DAY_MS : at + BEGIN_SLACK_MS + 1),
      order: forward ? 'asc' : 'desc',
      limit: 3,
    });
    if (!result.ok) return this.say(result.error.message);
    const starts = result.value.segments.map(({ start }) => Date.parse(start));
    const start = neighborStart(starts, at, direction);
    if (start !== null) this.playRecorded(start, this.mode.peek() === 'live' || this.playing.peek());
    else this.say(forward ? 'There is no later recording' : 'There is no earlier recording');
  }

  /** Fills the screen with the picture, or gives it back. */
  fullScreen(): void {
    toggleFullScreen(this.stage);
  }

  setSound(volume: number, muted: boolean): void {
    this.volume.value = volume;
    this.muted.value = muted;
    try {
      localStorage.setItem(SOUND_KEY, String(volume));
    } catch {
      // Not kept then.
    }
  }

  #row() {
    const id = this.camera.peek()?.id;
    return (id && this.rows.rows.peek().get(id)) || EMPTY_ROW;
  }

  /** Says something over the picture for a moment. */
  say(text: string): void {
    clearTimeout(this.#noteTimer);
    this.note.value = { text, id: ++this.#noteId };
    this.#noteTimer = window.setTimeout(() => {
      this.note.value = null;
    }, NOTE_MS);
  }

  // ---- the address ----

  /** Keeps the place in the address, so that reloading comes back to it. */
  #writeAddress(atOnce: boolean): void {
    const now = performance.now();
    if (!atOnce && now - this.#addressAt < ADDRESS_EVERY_MS) return;
    this.#addressAt = now;
    const hash = placeHash({
      camera: this.camera.peek()?.slug ?? null,
      at: this.mode.peek() === 'recorded' ? this.position.peek() : null,
      spanMs: null,
    });
    if (location.hash.startsWith('#/timeline') && location.hash !== hash) history.replaceState(null, '', hash);
  }

  /** The address was changed from outside. */
  goTo(place: Place): void {
    if (place.camera !== null) this.cameraId.value = place.camera;
    if (place.spanMs !== null) {
      const middle = place.at ?? this.rows.now();
      this.lookAt({ from: middle - place.spanMs / 2, to: middle + place.spanMs / 2 });
    }
    if (place.at === null) this.goLive();
    else this.play(place.at);
  }
}
