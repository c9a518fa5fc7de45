// One UDP port of an attempt: requests of text with their repeats and answers, and a door for STUN and PTCP (sections 2.1,
// 3.4). Datagrams from anybody else are counted and dropped.

import type { Clock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';
import { signalTiming, tunnelLimits } from './dialect.ts';
import { classifyDatagram, type DhResponse, parseResponse } from './wire.ts';

/** A request to send until it is answered. */
export type SignalRequest = {
  readonly server: Endpoint;
  /** Others that may answer: the agent, for relay-channel. */
  readonly alsoFrom?: Endpoint;
  readonly cseq: number;
  /** A fresh datagram for each sending: signatures are never used twice. */
  readonly build: () => Promise<Uint8Array>;
  readonly sendAtMs: readonly number[];
  readonly giveUpAtMs: number;
  /** Settles the request without an answer: proof of another kind. */
  readonly proof?: Promise<unknown>;
};

type Waiting = { readonly request: SignalRequest; readonly take: (response: DhResponse, from: Endpoint) => void };
type Handler = (bytes: Uint8Array, from: Endpoint) => void;

/** Whether two endpoints are one. */
export const isSameEndpoint = (a: Endpoint, b: Endpoint) => a.port === b.port && a.address === b.address;

/** See the head of this file. */
export class SignalSocket {
  /** What was dropped and why. */
  readonly counts = { strays: 0, unreadable: 0 };
  onStun: Handler = () => {};
  onPtcp: Handler = () => {};
  readonly #clock: Clock;
  readonly #socket: UdpSocket;
  readonly #waiting = new Set<Waiting>();
  /** Numbers that requests of this socket bore: an answer with one of them belongs to that request and to no other. */
  readonly #asked = new Set<number>();

  static async open(net: Net, clock: Clock): Promise<SignalSocket> {
    return new SignalSocket(await net.openUdp({ receiveBufferBytes: tunnelLimits.receiveBufferBytes }), clock);
  }

  private constructor(socket: UdpSocket, clock: Clock) {
    this.#clock = clock;
    this.#socket = socket;
    socket.onDatagram((bytes, from) => this.#receive(bytes, from));
  }

  get port(): number {
    return this.#socket.local.port;
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    this.#socket.send(bytes, to);
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  /**
   * Sends until the final answer.
   * @returns the answer (200 and above), or `null` when `proof` came first
   * @throws NvrError `timeout`, `cancelled`
   */
  async request(request: SignalRequest, signal: AbortSignal): Promise<{ response: DhResponse; from: Endpoint } | null> {
    const done = Promise.withResolvers<{ response: DhResponse; from: Endpoint } | null>();
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const beganMs = this.#clock.monoMs();
    let giveUpAtMs = beganMs + request.giveUpAtMs;
    let isTrying = false;
    let extensions = 0;
    const waiting: Waiting = {
      request,
      take: (response, from) => {
        if (response.code >= 200) {
          done.resolve({ response, from });
          return;
        }
        isTrying = true;
        if (extensions++ < signalTiming.maxTryingExtensions) {
          giveUpAtMs = this.#clock.monoMs() + signalTiming.channelAfterTryingMs;
        }
      },
    };
    this.#waiting.add(waiting);
    this.#asked.add(request.cseq);
    request.proof?.then(() => done.resolve(null)).catch(() => {});
    void this.#repeat(
      request,
      beganMs,
      () => isTrying,
      () => giveUpAtMs,
      both,
    ).then(done.reject, done.reject);
    try {
      return await done.promise;
    } finally {
      this.#waiting.delete(waiting);
      ended.abort();
    }
  }

  /** @returns the error that ends the request when nothing else does */
  async #repeat(
    request: SignalRequest,
    beganMs: number,
    isTrying: () => boolean,
    giveUpAtMs: () => number,
    signal: AbortSignal,
  ): Promise<NvrError> {
    for (const atMs of request.sendAtMs) {
      await this.#until(beganMs + atMs, signal);
      if (isTrying()) break;
      const datagram = await request.build();
      if (signal.aborted) break;
      this.send(datagram, request.server);
    }
    while (this.#clock.monoMs() < giveUpAtMs() - 0.01) await this.#until(giveUpAtMs(), signal);
    return new NvrError('timeout', 'The service did not answer');
  }

  async #until(atMs: number, signal: AbortSignal): Promise<void> {
    const waitMs = atMs - this.#clock.monoMs();
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }

  #receive(bytes: Uint8Array, from: Endpoint): void {
    const kind = classifyDatagram(bytes);
    if (kind === 'ptcp') this.onPtcp(bytes, from);
    else if (kind === 'stun-inverted') this.onStun(bytes, from);
    else if (kind === 'dh-response') this.#receiveText(bytes, from);
    else this.counts.strays++;
  }

  #receiveText(bytes: Uint8Array, from: Endpoint): void {
    const candidates = [...this.#waiting].filter(
      ({ request: { server, alsoFrom } }) =>
        isSameEndpoint(server, from) || (alsoFrom !== undefined && isSameEndpoint(alsoFrom, from)),
    );
    if (candidates.length === 0) {
      this.counts.strays++;
      return;
    }
    let response: DhResponse;
    try {
      response = parseResponse(bytes);
    } catch {
      this.counts.unreadable++;
      return;
    }
    const { cseq, code } = response;
    const exact = candidates.find(({ request }) => request.cseq === cseq);
    // A refusal may bear any number, but not that of another question: a question that was repeated is refused twice, and
    // the second refusal must not be taken for the answer to what was asked since.
    const isForeign = cseq !== null && cseq !== 0 && this.#asked.has(cseq);
    const isLone = candidates.length === 1 && (cseq === null || cseq === 0 || (code >= 400 && !isForeign));
    const waiting = exact ?? (isLone ? candidates[0] : undefined);
    if (waiting) waiting.take(response, from);
    else this.counts.strays++;
  }
}
