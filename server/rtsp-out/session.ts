// One reader's session (RFC 2326 appendix A): described, set up, playing, and back. Its connection gives it requests that
// were let in; it answers them. Everything it holds is freed by its disposal.

import { randomBytes, randomInt } from 'node:crypto';
import type { Camera } from '../cameras/camera.ts';
import { NvrError } from '../core/nvr-error.ts';
import { encodeSdp } from '../media/sdp-writer.ts';
import type { ByteStream } from '../net/stream.ts';
import { MAX_QUEUED_BYTES, SESSION_TIMEOUT_SECONDS } from './limits.ts';
import { type MediaOptions, type MediaSource, openMedia } from './media-source.ts';
import { Outlet } from './outlet.ts';
import { Player, type PlayerEnd } from './player.ts';
import type { Reply } from './reply.ts';
import type { Target } from './target.ts';
import { chooseChannels, encodeTransport } from './transport.ts';

/** What a {@link Session} works with. */
export type SessionOptions = MediaOptions & {
  readonly stream: ByteStream;
  readonly signal: AbortSignal;
  readonly onEnd: (end: PlayerEnd) => void;
  readonly onSkipped: (frames: number) => void;
};

type Opened = { readonly camera: Camera; readonly source: MediaSource };

const CNAME = 'perch';

/** See the head of this file. Dispose it. */
export class Session implements Disposable {
  readonly id = randomBytes(8).toString('hex');
  readonly #options: SessionOptions;
  readonly #outlets = new Map<number, Outlet>();
  #opened: Opened | null = null;
  #player: Player | null = null;
  #disposed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get isPlaying(): boolean {
    return this.#player?.isPlaying ?? false;
  }

  /** The camera of the stream, once there is one. */
  get camera(): Camera | null {
    return this.#opened?.camera ?? null;
  }

  /** What the stream is. */
  async describe(camera: Camera, target: Target): Promise<Reply> {
    const { source } = await this.#open(camera, target);
    const tracks = source.plans.map((plan, index) => ({ ...plan, control: `trackID=${index}` }));
    const body = encodeSdp({ id: randomInt(1, 2 ** 31), name: camera.config.name, tracks });
    return {
      status: 200,
      headers: { 'Content-Base': `${this.#urlOf(target)}/`, 'Content-Type': 'application/sdp' },
      body,
    };
  }

  /** Takes a track into the session. */
  async setUp(camera: Camera, target: Target, transport: string | undefined): Promise<Reply> {
    if (this.isPlaying) return { status: 455 };
    const taken = [...this.#outlets]
      .filter(([track]) => track !== target.track)
      .flatMap(([, { channels }]) => channels);
    const channels = chooseChannels(transport, new Set(taken));
    if (!channels) return { status: 461 };
    const { source } = await this.#open(camera, target);
    const track = target.track ?? (source.plans.length === 1 ? 0 : null);
    if (track === null) return { status: 459 };
    const plan = source.plans[track];
    if (!plan) return { status: 404 };
    const outlet = new Outlet(plan, channels);
    this.#outlets.set(track, outlet);
    return { status: 200, headers: { Transport: encodeTransport(channels, outlet.ssrc), ...this.#header } };
  }

  /** Plays from now on, whatever range was asked for. */
  play(target: Target): Reply {
    const { stream, clock, onEnd, onSkipped } = this.#options;
    const source = this.#opened?.source;
    if (!source || this.#outlets.size === 0) return { status: 455 };
    if (this.isPlaying) return { status: 200, headers: this.#header };
    const outlets = [...this.#outlets.values()];
    this.#player ??= new Player({ stream, source, outlets, clock, cname: CNAME, onEnd, onSkipped });
    const player = this.#player;
    const beginsMs = player.prepare();
    const base = this.#urlOf({ ...target, track: null });
    const info = [...this.#outlets].map(
      ([track, outlet]) =>
        `url=${base}/trackID=${track};seq=${outlet.sequence};rtptime=${outlet.timestampOf(beginsMs)}`,
    );
    const headers = { Range: 'npt=now-', 'RTP-Info': info.join(','), ...this.#header };
    return { status: 200, headers, afterwards: () => player.isPlaying && player.play() };
  }

  pause(): Reply {
    if (this.#outlets.size === 0) return { status: 455 };
    this.#player?.pause();
    return { status: 200, headers: this.#header };
  }

  /** Keep-alive. */
  answer(): Reply {
    return { status: 200, headers: this.#opened && this.#outlets.size > 0 ? this.#header : {} };
  }

  /** Says goodbye to a reader that is to come again. */
  sayGoodbye(): void {
    if (this.isPlaying && this.#options.stream.queuedBytes < MAX_QUEUED_BYTES) this.#player?.sayGoodbye();
  }

  tick(nowMs: number): void {
    this.#player?.tick(nowMs);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#player?.[Symbol.dispose]();
    this.#opened?.source[Symbol.dispose]();
    this.#opened = null;
    this.#outlets.clear();
  }

  get #header(): Record<string, string> {
    return { Session: `${this.id};timeout=${SESSION_TIMEOUT_SECONDS}` };
  }

  /** The stream; opened anew when another is asked for and nothing is set up yet. @throws NvrError */
  async #open(camera: Camera, target: Target): Promise<Opened> {
    const known = this.#opened;
    if (known?.camera === camera && known.source.stream === target.stream) return known;
    if (this.#outlets.size > 0) throw new NvrError('bad_input', 'A session has the tracks of one stream');
    this.#opened = null;
    known?.source[Symbol.dispose]();
    const source = await openMedia(camera, target.stream, this.#options, this.#options.signal);
    if (this.#disposed) {
      source[Symbol.dispose]();
      throw new NvrError('cancelled', 'The client has left');
    }
    this.#opened = { camera, source };
    return this.#opened;
  }

  /** The stream's address as the client knows us, without what it signed in with. */
  #urlOf({ origin, camera, stream }: Target): string {
    const { address, port } = this.#options.stream.local;
    const host = origin === '' ? `rtsp://${address}:${port}` : origin;
    return `${host}/${encodeURIComponent(camera)}${stream === 'main' ? '' : `/${stream}`}`;
  }
}
