// Plays a camera's recordings in a <video> from any moment, over gaps and changes of format, at any speed, picture by
// picture if wanted. Everything outside counts in wall-clock time (epoch milliseconds).

import { playsType } from './mse-player.ts';
import { PlaybackBuffer } from './playback-buffer.ts';
import type { PlaybackEvents } from './playback-events.ts';
import { PlaybackFinder } from './playback-finder.ts';
import type { Piece } from './playback-list.ts';
import { PICTURE_MS, PlaybackPicture } from './playback-picture.ts';
import { PlaybackSource } from './playback-source.ts';
import { StallWatch } from './playback-stall.ts';
import { Unplayable, unplayableSentence } from './playback-unplayable.ts';

const TICK_MS = 100;
/** Fetched ahead at normal speed, and at most. */
const AHEAD_MS = 20_000;
const MAX_AHEAD_MS = 150_000;
const BEHIND_MS = 40_000;
const RETRY_MS = 2000;
/** A hole of at least this is said. */
const JUMP_SAID_MS = 1000;
/** So close to the end of what is buffered a player does not go on by itself. */
const END_MS = 120;
const MAX_BROKEN = 3;
/** Pieces (of about 4 s) that may be passed over in one go because the browser cannot play them. */
const MAX_PASSED = 500;

/** One camera in one <video>; `stop` it. */
export class PlaybackEngine {
  readonly #video: HTMLVideoElement;
  readonly #events: PlaybackEvents;
  readonly #source: PlaybackSource;
  readonly #buffer: PlaybackBuffer;
  readonly #finder: PlaybackFinder;
  readonly #shown: PlaybackPicture;
  readonly #stall: StallWatch;
  readonly #unplayable = new Unplayable(playsType);
  readonly #timer: number;
  /** Where a seek wants to be, until it is there. */
  #wanted: number | null = null;
  #land: number | null = null;
  #turn = 0;
  #pumping = false;
  #stopped = false;
  #playing = false;
  #rate = 1;
  #broken = 0;
  #atEnd = false;
  #retryAt = 0;
  #otherTracksAt: number | null = null;
  #work: Promise<unknown> = Promise.resolve();

  constructor(video: HTMLVideoElement, camera: string, events: PlaybackEvents) {
    this.#video = video;
    this.#events = events;
    this.#source = new PlaybackSource(camera);
    this.#finder = new PlaybackFinder(this.#source, events.now, (message) => this.#failed(message));
    this.#buffer = new PlaybackBuffer(video, () => this.#onBroken());
    this.#stall = new StallWatch(video);
    const isWanted = () => this.#wanted === null && !video.seeking;
    this.#shown = new PlaybackPicture(video, this.#buffer, isWanted, (at) => {
      this.#land = null;
      events.onPosition(at);
    });
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
    video.onwaiting = () => this.#tick();
    video.onseeked = () => this.#tell();
    video.ontimeupdate = () => this.#tell();
    video.onplaying = video.onpause = () => this.#tellState();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#shown.stop();
    const video = this.#video;
    video.onwaiting = video.onseeked = video.ontimeupdate = video.onplaying = video.onpause = null;
    this.#source.stop();
    this.#buffer.end();
  }

  /** The wanted moment while it is looked for, else that of the picture. */
  get position(): number {
    return this.#wanted ?? this.#land ?? this.#shown.at ?? this.#buffer.wallOf(this.#video.currentTime);
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Goes to a moment; into a hole: to the next recording. */
  seek(at: number): void {
    this.#turn++;
    this.#wanted = at;
    this.#land = null;
    this.#atEnd = false;
    this.#retryAt = 0;
    this.#otherTracksAt = null;
    this.#events.onPosition(at);
    this.#tellState();
    this.#pump();
  }

  play(): void {
    this.#playing = true;
    this.#start();
    this.#tellState();
    this.#pump();
  }

  pause(): void {
    this.#playing = false;
    const wasRunning = !this.#video.paused;
    this.#video.pause();
    if (wasRunning && this.#land === null) this.#shown.settle();
    this.#tellState();
  }

  setRate(rate: number): void {
    this.#rate = rate;
    this.#video.defaultPlaybackRate = rate;
    this.#video.playbackRate = rate;
    this.#pump();
  }

  /** Shows the next picture, or the one before; pauses. */
  async step(direction: 1 | -1): Promise<void> {
    this.pause();
    if (this.#wanted !== null) return;
    const turn = this.#turn;
    const shown = this.#shown.at ?? this.position;
    let next = this.#shown.beside(shown, direction);
    if (next === null) {
      await this.#alone(async () => {
        const piece = await this.#finder.beside(shown, direction, (one) => this.#buffer.has(one));
        if (piece && turn === this.#turn && !this.#buffer.has(piece)) await this.#append(piece);
      });
      next = this.#shown.beside(shown, direction);
    }
    if (next === null || turn !== this.#turn || this.#stopped) return;
    // Not the time between two pictures of a slow camera: what is beyond the piece that holds the first of them.
    const [first, second] = [Math.min(next, shown), Math.max(next, shown)];
    const end = Math.max(first, this.#finder.endOf(first + PICTURE_MS));
    if (second - end >= JUMP_SAID_MS) this.#events.onJump(end, second, null);
    this.#shown.show(next);
    this.#pump();
  }

  #start(): void {
    if (this.#wanted !== null || !this.#video.paused) return;
    this.#video.playbackRate = this.#rate;
    this.#video.play().catch((error: unknown) => {
      // Without a touch of the page browsers play only silently.
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || this.#video.muted) return;
      this.#video.muted = true;
      this.#video.play().catch(() => this.pause());
    });
  }

  // ---- filling ----

  #pump(): void {
    if (this.#pumping || this.#stopped || this.#events.now() < this.#retryAt) return;
    this.#pumping = true;
    void (async () => {
      try {
        while (!this.#stopped && (await this.#alone(() => this.#fill())));
      } finally {
        this.#pumping = false;
      }
    })();
  }

  /** One after the other: a SourceBuffer does one thing at a time. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }

  /** One step. @returns whether there is more to do at once */
  async #fill(): Promise<boolean> {
    const turn = this.#turn;
    if (this.#wanted !== null) {
      const piece = await this.#finder.locate(this.#wanted);
      if (turn !== this.#turn) return true;
      if (this.#stopped || this.#events.now() < this.#retryAt || (!piece && this.#finder.waits)) return false;
      if (!piece) {
        this.#wanted = null;
        this.#events.onEdge();
        return false;
      }
      await this.#go(this.#wanted, piece);
      return true;
    }
    if (!this.#buffer.reaches(this.position)) return false;
    const at = this.position;
    const wanted = Math.min(MAX_AHEAD_MS, AHEAD_MS * Math.max(1, this.#rate));
    let ahead = 0;
    let end = at;
    let missing: Piece | null = null;
    const coming: Piece[] = [];
    let passed = 0;
    for (let looks = 0; ahead < wanted && looks < 1000; looks++) {
      const piece = await this.#finder.locate(end);
      if (turn !== this.#turn || this.#stopped) return true;
      const kind = this.#unplayable.kindOf(piece);
      if (!piece || (kind !== null && ++passed > MAX_PASSED)) {
        this.#atEnd = missing === null;
        break;
      }
      this.#atEnd = false;
      end = Math.max(piece.to, end + 1);
      if (kind !== null) {
        if (piece.from <= at && !this.#buffer.stretchAt(at)) return this.#refuse(kind);
        continue;
      }
      ahead += piece.to - Math.max(at, piece.from);
      if (this.#buffer.has(piece)) continue;
      missing ??= piece;
      coming.push(piece);
      if (coming.length > (this.#rate > 2 ? 4 : 1)) break;
    }
    // What has other tracks waits for its turn; it may be one that is encoded for us.
    const tracksAt = this.#otherTracksAt ?? Number.POSITIVE_INFINITY;
    if (!missing || (missing.from >= tracksAt && at < tracksAt - END_MS && this.#buffer.stretchAt(at))) return false;
    this.#source.forgetAllBut(coming);
    for (const piece of coming) this.#source.prepare(piece);
    if (!(await this.#append(missing))) return false;
    await this.#buffer.keep(this.position - BEHIND_MS, this.position + MAX_AHEAD_MS + AHEAD_MS);
    return true;
  }

  /** Goes to where a seek really leads. */
  async #go(wanted: number, piece: Piece): Promise<void> {
    const land = Math.max(wanted, piece.from);
    const turn = this.#turn;
    if (land - wanted >= JUMP_SAID_MS) this.#events.onJump(wanted, land, null);
    if (this.#buffer.reaches(land) && !this.#buffer.stretchAt(land)) {
      this.#source.forgetAllBut([piece]);
      await this.#buffer.keep(land - BEHIND_MS, land + AHEAD_MS);
    }
    if (turn !== this.#turn || this.#stopped) return;
    if (!this.#buffer.reaches(land)) await this.#buffer.reset(land);
    if (turn !== this.#turn || this.#stopped) return;
    this.#wanted = null;
    this.#seekInto(land);
  }

  /** @returns whether the piece is in place */
  async #append(piece: Piece): Promise<boolean> {
    const turn = this.#turn;
    // The piece first: where it is encoded for us, its head comes with it.
    const [bytes, head] = await Promise.all([this.#source.piece(piece), this.#source.head(piece.head)]);
    if (this.#stopped || turn !== this.#turn) return true;
    for (const reply of [bytes, head]) {
      if (reply.ok) continue;
      if (!reply.gone) this.#failed(reply.message);
      return reply.gone && this.#giveUp(piece);
    }
    if (!head.ok || !bytes.ok) return false;
    const { facts } = head.value;
    // Not a word of it yet: it may lie far ahead.
    if (!this.#unplayable.check(piece, facts)) return true;
    const result = await this.#buffer.append(piece, head.value.bytes, facts, bytes.value);
    if (this.#stopped) return false;
    switch (result) {
      case 'done':
        this.#events.onProblem(null);
        if (this.#playing) this.#start();
        return true;
      case 'otherTracks':
        return this.#changeTracks(piece);
      case 'full':
        await this.#buffer.keep(this.position - 2000, this.position + AHEAD_MS);
        this.#retryAt = this.#events.now() + TICK_MS;
        return false;
      default:
        return this.#giveUp(piece);
    }
  }

  /** There is nothing else to show. */
  #refuse(kind: string): false {
    this.#events.onProblem(unplayableSentence(kind));
    this.#retryAt = Number.POSITIVE_INFINITY;
    return false;
  }

  /** @returns whether to go on at once */
  #giveUp(piece: Piece): boolean {
    if (this.#finder.giveUp(piece)) return true;
    this.#retryAt = this.#events.now() + RETRY_MS;
    return false;
  }

  /** From here on there is sound, or no more: a new MediaSource, once playing has come so far. */
  async #changeTracks(piece: Piece): Promise<boolean> {
    const at = this.position;
    if (at < piece.from - END_MS && this.#buffer.stretchAt(at)) {
      this.#otherTracksAt = piece.from;
      return false;
    }
    this.#otherTracksAt = null;
    await this.#buffer.reset(piece.from);
    if (this.#stopped) return false;
    this.#seekInto(Math.max(at, piece.from));
    return true;
  }

  #seekInto(at: number): void {
    this.#land = at;
    this.#shown.at = null;
    this.#video.currentTime = this.#buffer.mediaOf(at + PICTURE_MS);
    if (this.#playing) this.#start();
  }

  #failed(message: string): void {
    if (this.#stopped) return;
    this.#events.onProblem(message);
    this.#retryAt = this.#events.now() + RETRY_MS;
  }

  // ---- playing ----

  #tick(): void {
    if (this.#stopped) return;
    this.#stall.look();
    this.#pump();
    this.#tellState();
    if (this.#video.seeking && this.#land !== null) this.#unstick(this.#land);
    else if (this.#playing && this.#wanted === null) this.#passHoles();
  }

  #passHoles(): void {
    const video = this.#video;
    const at = this.#buffer.wallOf(video.currentTime);
    const stretch = this.#buffer.stretchAt(at);
    const left = stretch ? stretch.to - at : 0;
    if (!this.#stall.isAtEnd(left, this.#rate)) {
      if (left > END_MS * Math.max(1, this.#rate)) return;
      // Still something to show of this stretch: the player does that by itself.
      if (left > END_MS && !video.paused && video.readyState > 2) return;
    }
    const end = stretch?.to ?? at;
    const next = this.#buffer.nextStretch(end);
    const kind = this.#unplayable.kindOf(this.#finder.known(end + END_MS));
    if (next !== null) {
      if (next - end >= JUMP_SAID_MS) this.#events.onJump(end, next, kind);
      this.#seekInto(next);
    } else if (this.#otherTracksAt !== null) {
      this.seek(this.#otherTracksAt);
    } else if (this.#atEnd) {
      this.#atEnd = false;
      this.pause();
      if (kind !== null) this.#refuse(kind);
      else this.#events.onEdge();
    }
  }

  /** A file whose pictures are not where its list says: on to what there is. */
  #unstick(at: number): void {
    const piece = this.#finder.known(at);
    if (!piece || !this.#buffer.has(piece) || this.#buffer.stretchAt(at + PICTURE_MS)) return;
    const next = this.#buffer.nextStretch(at);
    if (next === null) {
      this.#finder.drop(piece);
      this.seek(piece.to);
    } else this.#seekInto(next);
  }

  #tell(): void {
    if (this.#stopped || this.#wanted !== null || this.#video.seeking) return;
    if (this.#land !== null && this.#video.readyState < 2) return;
    this.#land = null;
    this.#shown.guess();
  }

  #tellState(): void {
    if (this.#stopped) return;
    const waiting = this.#wanted !== null || this.#video.seeking || (this.#playing && this.#video.readyState < 3);
    this.#events.onState({ playing: this.#playing, waiting });
  }

  #onBroken(): void {
    if (this.#stopped) return;
    const at = this.position;
    if (++this.#broken > MAX_BROKEN) {
      this.#events.onProblem('The browser cannot play this recording. Download it to watch it.');
      this.#retryAt = Number.POSITIVE_INFINITY;
      return;
    }
    const piece = this.#finder.known(at);
    if (piece && this.#broken > 1) this.#finder.drop(piece);
    this.#buffer.stop();
    this.seek(at);
  }
}
