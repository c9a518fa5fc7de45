// Questions to the cloud of one attempt: numbering, signatures, the server's clock, and what to do after each answer. The
// decisions are in decide.ts; this carries them out.

import { randomBytes, randomInt } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import type { Endpoint } from '../../net/net.ts';
import { type Action, type Asked, chooseAction, clockOffset, planRetries } from './decide.ts';
import { type CloudProfile, signalTiming } from './dialect.ts';
import { type DahuaStep, dahuaError } from './failures.ts';
import type { SignalSocket } from './signal-socket.ts';
import { type DhResponse, encodeRequest, type Freshness } from './wire.ts';

const MAX_NONCE = 2 ** 31 - 1;

/** This cloud does not lead to the device: the next profile is tried. */
export class NextProfile extends Error {}

/** What a conversation needs. */
export type ConversationOptions = {
  readonly clock: Clock;
  readonly profile: CloudProfile;
  readonly hasCredentials: boolean;
  /** Counts every datagram to the cloud. */
  readonly onRequest: () => void;
};

/** One question. */
export type Question = {
  readonly asked: Asked;
  readonly step: DahuaStep;
  readonly path: string;
  readonly server: Endpoint;
  readonly alsoFrom?: Endpoint;
  /** Made anew for every datagram. */
  readonly body?: (freshness: Freshness) => string | Promise<string>;
  readonly type?: 0 | 1;
  readonly sendAtMs?: readonly number[];
  readonly giveUpAtMs?: number;
  readonly proof?: Promise<unknown>;
};

/** How a question ended: the answer (`null`: proved in another way), and what to do about it. */
export type Reply = { readonly response: DhResponse | null; readonly action: Action };

const retries = planRetries(signalTiming.retry);
const RETRY_MS = 500;

/** See the head of this file. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #pcsRequestId = randomBytes(16).toString('hex');
  #cseq = 0;
  #offsetSeconds = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** Seconds that the server's clock is ahead, as far as known. */
  get offsetSeconds(): number {
    return this.#offsetSeconds;
  }

  /**
   * Asks until there is an answer that the caller must decide on.
   * @throws NvrError `timeout`, `cancelled`; {@link NextProfile}
   */
  async ask(socket: SignalSocket, question: Question, signal: AbortSignal): Promise<Reply> {
    const { asked, step, type = 0 } = question;
    const { profile, hasCredentials, clock } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#send(socket, question, signal);
      if (!answer) return { response: null, action: 'DONE' };
      this.#learnClock(answer.headers.get('date'));
      const action = chooseAction(answer, { endpoint: asked, type, hasCredentials, attempt });
      switch (action) {
        case 'RESYNC_CLOCK_AND_RETRY':
        case 'RETRY_FRESH_AUTH':
          continue;
        case 'RETRY':
          await clock.sleep(RETRY_MS * attempt, signal);
          continue;
        case 'FAIL_CLIENT_AUTH':
        case 'TRY_NEXT_PROFILE':
          throw new NextProfile(action);
        case 'FAIL_DEVICE_AUTH_REQUIRED':
          throw dahuaError('passwordNeeded', step, profile.server);
        case 'FAIL_DEVICE_AUTH':
          throw dahuaError('wrongPassword', step, profile.server);
        default:
          return { response: answer, action };
      }
    }
  }

  /** Like `ask`, but nobody depends on it: any failure is `null`. */
  async askLightly(socket: SignalSocket, question: Question, signal: AbortSignal): Promise<DhResponse | null> {
    try {
      const { response, action } = await this.ask(socket, question, signal);
      return action === 'DONE' ? response : null;
    } catch (error) {
      if (isNvrError(error, 'cancelled') && signal.aborted) throw error;
      return null;
    }
  }

  async #send(socket: SignalSocket, question: Question, signal: AbortSignal): Promise<DhResponse | null> {
    const { path, server, alsoFrom, body, proof } = question;
    const { profile, clock } = this.#options;
    const cseq = ++this.#cseq;
    const method = `${profile.verbs}${body ? 'POST' : 'GET'}`;
    const build = async () => {
      const unix = Math.floor(clock.wallMs() / 1000) + this.#offsetSeconds;
      const text = body ? await body({ nonce: randomInt(1, MAX_NONCE), createDate: unix }) : '';
      this.#options.onRequest();
      return encodeRequest({
        ...{ profile: profile.headers, method, path, cseq, key: profile.key, body: text },
        nonce: String(randomInt(0, MAX_NONCE)),
        created: `${new Date(unix * 1000).toISOString().slice(0, 19)}Z`,
        pcsRequestId: this.#pcsRequestId,
      });
    };
    const found = await socket.request(
      {
        ...{ server, cseq, build, sendAtMs: question.sendAtMs ?? retries.sendAtMs },
        giveUpAtMs: question.giveUpAtMs ?? retries.giveUpAtMs,
        ...(alsoFrom && { alsoFrom }),
        ...(proof && { proof }),
      },
      signal,
    );
    return found?.response ?? null;
  }

  #learnClock(date: string | undefined): void {
    const offset = clockOffset(date, Math.floor(this.#options.clock.wallMs() / 1000));
    if (offset !== null) this.#offsetSeconds = offset;
  }
}
