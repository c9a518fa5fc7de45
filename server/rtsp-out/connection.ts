// One client's connection: requests one after the other, each let in and answered; packets that the client sends are only
// a sign of life. Everything it does wrong ends it, nothing it does holds up another.

import type { Auth } from '../auth/auth.ts';
import type { Camera } from '../cameras/camera.ts';
import type { Fleet } from '../cameras/fleet.ts';
import { NvrError, toNvrError } from '../core/nvr-error.ts';
import { type RtspMessage, RtspParser } from '../media/rtsp.ts';
import type { ByteStream } from '../net/stream.ts';
import { Door, type OnRefused } from './door.ts';
import {
  MAX_PIPELINED,
  MAX_QUEUED_BYTES,
  MAX_REFUSALS,
  SESSION_TIMEOUT_SECONDS,
  STRANGER_TIMEOUT_MS,
  STUCK_MS,
} from './limits.ts';
import type { MediaOptions } from './media-source.ts';
import { encodeReply, METHOD_LIST, METHODS, type Reply, replyOf, sequenceOf } from './reply.ts';
import { Session } from './session.ts';
import { parseTarget } from './target.ts';

/** What a {@link RtspConnection} works with. */
export type ConnectionOptions = MediaOptions & {
  readonly auth: Auth;
  readonly fleet: Fleet;
  readonly onRefused: OnRefused;
  readonly onSkipped: (frames: number) => void;
  /** It is over, for that reason; called once. */
  readonly onClosed: (why: string) => void;
};

type Request = Extract<RtspMessage, { kind: 'request' }>;
const RESPONSE_IS_NO_REQUEST: Reply = { status: 400, last: true };

/** See the head of this file. */
export class RtspConnection {
  readonly #options: ConnectionOptions;
  readonly #stream: ByteStream;
  readonly #door: Door;
  readonly #session: Session;
  readonly #abort = new AbortController();
  readonly #queue: Request[] = [];
  #working = false;
  #heardMs: number;
  #over = false;

  constructor(stream: ByteStream, options: ConnectionOptions) {
    const { clock, feeds, cards, auth, fleet, onRefused, onSkipped } = options;
    this.#options = options;
    this.#stream = stream;
    this.#heardMs = clock.monoMs();
    this.#door = new Door({
      ...{ auth, fleet, onRefused, address: stream.remote.address },
      onRevoked: () => this.end('revoked'),
    });
    this.#session = new Session({
      ...{ clock, feeds, cards, stream, onSkipped, signal: this.#abort.signal },
      onEnd: (why) => this.end(why),
    });
    const parser = new RtspParser({
      message: (message) => this.#onMessage(message),
      data: () => {}, // receiver reports: the connection itself says who is there
    });
    stream.onBytes((bytes) => {
      if (this.#over) return;
      this.#heardMs = clock.monoMs();
      try {
        parser.push(bytes);
        if (parser.garbageBytes > 0) this.#refuse(RESPONSE_IS_NO_REQUEST);
      } catch (error) {
        this.#refuse({ ...replyOf(error), last: true });
      }
    });
    stream.onDrain(() => void this.#work());
    stream.onEnd(() => this.#close('left'));
  }

  /** Whether it has said who it is. */
  get isKnown(): boolean {
    return this.#door.isKnown;
  }

  get isPlaying(): boolean {
    return this.#session.isPlaying;
  }

  /** Ends it; a reader is told goodbye. */
  end(why: string): void {
    if (this.#over) return;
    this.#session.sayGoodbye();
    this.#close(why);
  }

  /** Does what is due; called about once a second. */
  tick(nowMs: number): void {
    if (this.#over) return;
    const { camera } = this.#session;
    // A camera whose driver was changed is a new object behind the same id.
    if (camera && this.#options.fleet.find(camera.id) !== camera) {
      this.end('camera removed');
      return;
    }
    const idleMs = nowMs - this.#heardMs;
    if (this.isPlaying) this.#session.tick(nowMs);
    else if (!this.isKnown && idleMs > STRANGER_TIMEOUT_MS) this.end('silent');
    else if (idleMs > SESSION_TIMEOUT_SECONDS * 1000) this.end('timeout');
    else if (this.#stream.queuedBytes > MAX_QUEUED_BYTES && idleMs > STUCK_MS) this.end('stuck');
  }

  #onMessage(message: RtspMessage): void {
    if (this.#over) return;
    if (message.kind === 'response') {
      this.#refuse(RESPONSE_IS_NO_REQUEST);
      return;
    }
    if (this.#queue.length >= MAX_PIPELINED) {
      this.#refuse({ status: 503, last: true });
      return;
    }
    this.#queue.push(message);
    void this.#work();
  }

  /** Answers what waits, in order; while replies are not taken, the next request is not looked at. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      while (!this.#over && this.#stream.queuedBytes <= MAX_QUEUED_BYTES) {
        const request = this.#queue.shift();
        if (!request) break;
        await this.#answer(request);
      }
    } finally {
      this.#working = false;
    }
    if (this.#over) return;
    if (this.#queue.length > 0) this.#stream.pause();
    else this.#stream.resume();
  }

  async #answer(request: Request): Promise<void> {
    const sequence = sequenceOf(request.headers.get('cseq'));
    let reply: Reply;
    try {
      reply = sequence === null ? { status: 400, last: true } : await this.#reply(request);
    } catch (error) {
      reply = replyOf(error);
      if (reply.status === 500 && toNvrError(error).code === 'internal')
        this.#options.feeds.log.error({ err: error }, 'An RTSP request failed');
    }
    if (this.#over) return;
    this.#stream.write(encodeReply(reply, sequence));
    reply.afterwards?.();
    if (reply.last || this.#door.refusals > MAX_REFUSALS) this.#close('asked');
  }

  async #reply(request: Request): Promise<Reply> {
    const { method, uri, headers } = request;
    if (method === 'OPTIONS') return { ...this.#session.answer(), headers: { Public: METHOD_LIST } };
    if (!METHODS.has(method)) {
      const isOther = ['ANNOUNCE', 'RECORD', 'REDIRECT'].includes(method);
      return { status: isOther ? 405 : 501, headers: { Allow: METHOD_LIST } };
    }
    const target = parseTarget(uri);
    if (!target) {
      // Keep-alives of some clients have no stream in them.
      const isOurs = this.isKnown && this.#isSession(headers.get('session'));
      if (isOurs && method.endsWith('_PARAMETER')) return this.#session.answer();
      throw new NvrError(this.isKnown ? 'not_found' : 'unauthenticated', 'There is no such stream');
    }
    const camera: Camera = await this.#door.admit(target, headers.get('authorization'));
    if (method === 'DESCRIBE') return await this.#session.describe(camera, target);
    const session = headers.get('session');
    if (session !== undefined && !this.#isSession(session)) return { status: 454 };
    if (method === 'SETUP') return await this.#session.setUp(camera, target, headers.get('transport'));
    if (method.endsWith('_PARAMETER')) return this.#session.answer();
    if (session === undefined) return { status: 454 };
    if (method === 'PLAY') return this.#session.play(target);
    if (method === 'PAUSE') return this.#session.pause();
    this.#session[Symbol.dispose]();
    return { status: 200, last: true };
  }

  #isSession(header: string | undefined): boolean {
    return header !== undefined && header.split(';', 1)[0]!.trim() === this.#session.id;
  }

  #refuse(reply: Reply): void {
    if (this.#over) return;
    this.#stream.write(encodeReply(reply, null));
    this.#close('not understood');
  }

  #close(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    this.#queue.length = 0;
    this.#door[Symbol.dispose]();
    this.#session[Symbol.dispose]();
    void this.#stream.close();
    this.#options.onClosed(why);
  }
}
