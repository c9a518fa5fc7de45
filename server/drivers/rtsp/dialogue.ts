// Requests and replies on one RTSP connection: numbering, authentication, time-outs, requests of the camera.

import type { Clock } from '../../core/clock.ts';
import { NvrError, toNvrError } from '../../core/nvr-error.ts';
import { encodeRtsp, type RtspMessage, RtspParser, type RtspResponse } from '../../media/rtsp.ts';
import type { HttpAuth } from '../../net/http-auth.ts';
import type { ByteStream, StreamEnd } from '../../net/stream.ts';
import { replyError } from './failures.ts';
import { timing } from './limits.ts';
import type { ReplyMatchPolicy } from './policies.ts';

/** Bytes a camera may leave unread before it is given up: we send a few requests a minute. */
const MAX_QUEUED_BYTES = 256 * 1024;

/** What a dialogue works with. */
export type DialogueOptions = {
  readonly stream: ByteStream;
  readonly clock: Clock;
  readonly auth: HttpAuth;
  /** `host:port` for messages. */
  readonly peer: string;
  readonly replyMatch: ReplyMatchPolicy;
  /** An interleaved packet; the view is valid during the call. */
  readonly onData: (channel: number, payload: Uint8Array) => void;
  /** The connection is over; once. */
  readonly onEnd: (reason: NvrError) => void;
};

type Open = { readonly resolve: (reply: RtspResponse) => void; readonly reject: (error: NvrError) => void };

/** See the head of this file. */
export class RtspDialogue {
  readonly #options: DialogueOptions;
  readonly #parser: RtspParser;
  readonly #open = new Map<number, Open>();
  #sequence = 0;
  #end: NvrError | null = null;
  /** Session identifier that every request carries once it is known. */
  session: string | null = null;

  constructor(options: DialogueOptions) {
    this.#options = options;
    this.#parser = new RtspParser({
      message: (message) => this.#onMessage(message),
      data: options.onData,
    });
    options.stream.onBytes((bytes) => this.#onBytes(bytes));
    options.stream.onEnd((end) => this.#onStreamEnd(end));
  }

  /** Bytes that were neither reply nor packet. */
  get garbageBytes(): number {
    return this.#parser.garbageBytes;
  }

  /**
   * One request, repeated with credentials when the camera asks for them.
   * @returns a reply of 200 to 299
   * @throws NvrError by the status (see failures.ts), `timeout`, `unavailable` when the connection ends
   */
  async request(method: string, uri: string, headers: Readonly<Record<string, string>> = {}): Promise<RtspResponse> {
    const { auth, peer } = this.#options;
    for (;;) {
      const reply = await this.#send(method, uri, headers);
      if (reply.status >= 200 && reply.status < 300) {
        auth.accepted();
        return reply;
      }
      if (reply.status === 401 && auth.challenge(reply.headers.get('www-authenticate'))) continue;
      throw replyError(method, reply, peer, auth.hasCredentials);
    }
  }

  /** Ends every open request; the stream is the caller's. */
  end(reason: NvrError): void {
    if (this.#end) return;
    this.#end = reason;
    for (const { reject } of this.#open.values()) reject(reason);
    this.#open.clear();
  }

  #send(method: string, uri: string, headers: Readonly<Record<string, string>>): Promise<RtspResponse> {
    const { stream, clock, auth, peer } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      const sequence = ++this.#sequence;
      const authorization = auth.header(method, uri);
      const text = encodeRtsp(`${method} ${uri} RTSP/1.0`, {
        CSeq: String(sequence),
        'User-Agent': 'Perch',
        ...(authorization !== null && { Authorization: authorization }),
        ...(this.session !== null && { Session: this.session }),
        ...headers,
      });
      const timer = clock.after(timing.replyMs, () => {
        this.#open.delete(sequence);
        reject(
          new NvrError('timeout', `${peer} did not answer ${method} within ${timing.replyMs / 1000} s`, {
            context: { peer, reason: 'stalled' },
          }),
        );
      });
      this.#open.set(sequence, {
        resolve: (reply) => {
          timer.cancel();
          resolve(reply);
        },
        reject: (error) => {
          timer.cancel();
          reject(error);
        },
      });
      stream.write(text);
    });
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#end) return;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.#fail(toNvrError(error));
    }
  }

  #onStreamEnd(end: StreamEnd): void {
    const { peer } = this.#options;
    this.#fail(end ?? new NvrError('unavailable', `${peer} closed the connection`, { context: { peer } }));
  }

  #fail(reason: NvrError): void {
    if (this.#end) return;
    this.end(reason);
    this.#options.onEnd(reason);
  }

  #onMessage(message: RtspMessage): void {
    if (message.kind === 'request') this.#answer(message.method, message.headers.get('cseq') ?? '');
    else this.#onReply(message);
  }

  #onReply(reply: RtspResponse): void {
    if (reply.status < 200) return;
    const number = Number.parseInt(reply.headers.get('cseq') ?? '', 10);
    let sequence = number;
    if (!this.#open.has(number)) {
      if (this.#options.replyMatch === 'strict' || this.#open.size !== 1 || !Number.isNaN(number)) return;
      sequence = [...this.#open.keys()][0]!;
    }
    const open = this.#open.get(sequence)!;
    this.#open.delete(sequence);
    open.resolve(reply);
  }

  /** Cameras ask whether we are alive; anything else they may ask is not for a viewer. */
  #answer(method: string, sequence: string): void {
    const { stream, peer } = this.#options;
    if (method === 'REDIRECT') {
      this.#fail(
        new NvrError('protocol', `${peer} redirects; redirects are not followed`, {
          context: { peer, reason: 'redirect' },
        }),
      );
      return;
    }
    if (stream.queuedBytes > MAX_QUEUED_BYTES) {
      this.#fail(new NvrError('protocol', `${peer} asks and does not read the answers`, { context: { peer } }));
      return;
    }
    const isKnown = method === 'OPTIONS' || method === 'GET_PARAMETER' || method === 'SET_PARAMETER';
    const cseq = /^\d{1,10}$/.test(sequence) ? { CSeq: sequence } : {};
    stream.write(encodeRtsp(isKnown ? 'RTSP/1.0 200 OK' : 'RTSP/1.0 501 Not Implemented', cseq));
  }
}
