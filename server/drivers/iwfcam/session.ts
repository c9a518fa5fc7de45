// One life of one connection: the socket and the timers around the pure parts (machine, assembler, acknowledgements).

import type { Timer } from '../../core/clock.ts';
import type { Frame } from '../../core/frame.ts';
import { NvrError, toNvrError } from '../../core/nvr-error.ts';
import { Tally } from '../../core/tally.ts';
import type { Endpoint, UdpSocket } from '../../net/net.ts';
import type { CameraSession, DriverContext, SessionCounters } from '../driver.ts';
import { FrameQueue } from '../frame-queue.ts';
import { limits } from './dialect.ts';
import { next } from './machine.ts';
import type { Effect, Event, Handshake, State } from './machine-types.ts';
import { ANY_SESSION, type IntakeCount, MediaIntake, NO_SESSION } from './media-intake.ts';
import { isMedia, type LoginResponse, parsePacket } from './wire.ts';

/** What `open` prepared: the bound socket and the facts of the handshake. */
export type SessionParts = {
  readonly socket: UdpSocket;
  readonly handshake: Handshake;
  readonly advertiseAddress: string | null;
  /** Keeps the session number (0: none) for after a crash. */
  readonly remember: (session: number, mediaPort: number, address: string) => void;
};

/** A running session. Made by {@link openSession}; lives until it fails or is disposed. */
export class IwfcamSession implements CameraSession {
  readonly #context: DriverContext;
  readonly #parts: SessionParts;
  readonly #facts: Record<string, string | number | boolean> = {};
  readonly #queue = new FrameQueue({ frames: limits.queueFrames, bytes: limits.queueBytes });
  readonly #tally = new Tally<IntakeCount | 'wrongSource'>();
  readonly #intake: MediaIntake;
  readonly #pending = new Set<Timer>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #state: State = { kind: 'idle' };
  #timer: Timer | null = null;
  #timerMs = -1;
  #peerAddress = '';
  #mediaPort = -1;
  #datagrams = 0;
  #bytes = 0;
  #strangers = 0;
  readonly #onAbort = () => this.#leave();

  constructor(parts: SessionParts, context: DriverContext) {
    this.#parts = parts;
    this.#context = context;
    this.#intake = new MediaIntake({
      clock: context.clock,
      time: context.time,
      queue: this.#queue,
      tally: this.#tally,
      send: (bytes) => parts.socket.send(bytes, { address: this.#peerAddress, port: this.#mediaPort }),
      onFirst: (session) => this.#dispatch({ kind: 'media', session, nowMs: context.clock.monoMs() }),
      onTrouble: (error) => this.#fail(error),
    });
    // A session that fails before anybody reads it must not end the process.
    this.#opened.promise.catch(() => {});
  }

  get facts(): Readonly<Record<string, string | number | boolean>> {
    return this.#facts;
  }

  frames(): AsyncIterable<Frame> {
    return this.#queue.read();
  }

  counters(): SessionCounters {
    return {
      framesDropped: this.#intake.lostPictures + this.#queue.droppedPictures,
      details: {
        datagrams: this.#datagrams,
        bytes: this.#bytes,
        pictures: this.#intake.pictures,
        sounds: this.#intake.sounds,
        picturesNotRead: this.#queue.droppedPictures,
        soundsNotRead: this.#queue.droppedSounds,
        sendErrors: this.#parts.socket.sendErrors,
        ...this.#tally.toJSON(),
      },
    };
  }

  /** Bytes of datagrams kept for unfinished pictures: for tests of the bounds. */
  get heldBytes(): number {
    return this.#intake.heldBytes;
  }

  /** Says goodbye and frees the port; at most about a third of a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    await this.#closed.promise;
  }

  /** Dials. @returns when the camera has answered @throws NvrError when it did not; everything is free by then */
  async dial(): Promise<void> {
    const { signal, clock } = this.#context;
    this.#parts.socket.onDatagram((bytes, from) => this.#onDatagram(bytes, from));
    this.#dispatch({ kind: 'start', nowMs: clock.monoMs() });
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#leave();
    await this.#opened.promise;
  }

  #leave(): void {
    const error = new NvrError('cancelled', 'The session was closed', { cause: this.#context.signal.reason });
    this.#fail(error);
  }

  #fail(error: NvrError): void {
    this.#dispatch({ kind: 'fail', error, nowMs: this.#context.clock.monoMs() });
  }

  // Receiving

  #onDatagram(bytes: Uint8Array, from: Endpoint): void {
    this.#datagrams++;
    this.#bytes += bytes.length;
    if (isMedia(bytes)) {
      if (from.port === this.#mediaPort && from.address === this.#peerAddress) this.#intake.receive(bytes);
      else this.#stranger('wrongSource');
    } else if (this.#peerAddress !== '' && from.address !== this.#peerAddress) this.#stranger('wrongSource');
    else {
      if (from.port !== this.#mediaPort) this.#stranger(null);
      this.#onControl(bytes, from);
    }
  }

  /**
   * Somebody else sends to our port. A few are let pass, because the camera's notice that it is closing may come from
   * another of its ports; a flood would fill the receive buffer and crowd the pictures out.
   */
  #stranger(count: 'wrongSource' | null): void {
    if (count) this.#tally.add(count);
    if (++this.#strangers !== limits.strangers || this.#state.kind !== 'streaming') return;
    this.#parts.socket.only({ address: this.#peerAddress, port: this.#mediaPort });
  }

  #onControl(bytes: Uint8Array, from: Endpoint): void {
    const packet = parsePacket(bytes);
    if (typeof packet === 'string') this.#tally.add(packet);
    else if (packet.kind !== 'media') {
      this.#dispatch({ kind: 'packet', packet, from, nowMs: this.#context.clock.monoMs() });
    }
  }

  // The machine

  #dispatch(event: Event): void {
    const before = this.#state;
    const { state, effects } = next(this.#parts.handshake, before, event);
    if (state === before) return;
    this.#state = state;
    if (state.kind !== before.kind) this.#enter(state, before);
    if (state.kind === 'starting') this.#intake.expect(state.isAssumed ? ANY_SESSION : state.session);
    this.#arm(state);
    for (const effect of effects) this.#perform(effect);
  }

  #enter(state: State, before: State): void {
    this.#context.log.debug({ from: before.kind, to: state.kind }, 'IWFCam session changed state');
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
    if ('peer' in state) {
      this.#peerAddress = state.peer.address;
      this.#mediaPort = state.peer.mediaPort;
      this.#facts.peer = `${state.peer.address}:${state.peer.mediaPort}`;
      this.#facts.uid = state.peer.uid;
    }
    if (state.kind === 'streaming') {
      this.#intake.expect(state.session);
      this.#facts.session = state.session;
    } else if (state.kind === 'leaving' || state.kind === 'ended') {
      this.#intake.expect(NO_SESSION);
      this.#queue.end(state.reason);
    }
  }

  #arm(state: State): void {
    const deadlineMs = 'deadlineMs' in state ? state.deadlineMs : -1;
    if (deadlineMs === this.#timerMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerMs = deadlineMs;
    if (deadlineMs < 0) return;
    const { clock } = this.#context;
    this.#timer = clock.after(deadlineMs - clock.monoMs(), () => this.#onTimer());
  }

  #onTimer(): void {
    this.#timerMs = -1;
    this.#strangers = 0;
    // A timer may fire a fraction early; the machine compares with the deadline itself.
    const due = 'deadlineMs' in this.#state ? this.#state.deadlineMs : 0;
    const nowMs = Math.max(this.#context.clock.monoMs(), due);
    this.#intake.expire(nowMs);
    this.#dispatch({ kind: 'timer', watch: this.#intake.watch, nowMs });
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        for (const atMs of effect.atMs) this.#sendAt(effect.bytes, effect.to, atMs);
        break;
      case 'route':
        void this.#route(effect.address);
        break;
      case 'opened':
        this.#noteLogin(effect.login);
        this.#opened.resolve();
        break;
      case 'remember':
        this.#parts.remember(effect.session ?? 0, this.#mediaPort, this.#peerAddress);
        break;
      case 'close':
        void this.#close();
        break;
    }
  }

  #sendAt(bytes: Uint8Array, to: Endpoint, atMs: number): void {
    if (atMs === 0) {
      this.#parts.socket.send(bytes, to);
      return;
    }
    const timer = this.#context.clock.after(atMs, () => {
      this.#pending.delete(timer);
      this.#parts.socket.send(bytes, to);
    });
    this.#pending.add(timer);
  }

  /** Media goes to the address that the login announces, not to where the login came from (section 6.3). */
  async #route(address: string): Promise<void> {
    const { net, log, clock } = this.#context;
    const { advertiseAddress, socket } = this.#parts;
    try {
      const own = await net.localAddressFor(address).catch((error: unknown) => {
        if (advertiseAddress === null) throw error;
        return null;
      });
      const announced = { address: advertiseAddress ?? own ?? '', port: socket.local.port };
      this.#facts.announcedAddress = announced.address;
      this.#facts.announcedIsOwn = announced.address === own;
      if (announced.address !== own) {
        log.debug({ announced: announced.address, own }, 'The login announces an address that is not the socket’s own');
      }
      this.#dispatch({ kind: 'routed', announced, nowMs: clock.monoMs() });
    } catch (error) {
      this.#fail(toNvrError(error));
    }
  }

  #noteLogin(login: LoginResponse | null): void {
    this.#facts.sessionAssumed = login === null;
    if (!login) return;
    this.#facts.session = login.session;
    this.#facts.cameraName = login.name;
    this.#facts.viewersOnline = login.online;
  }

  async #close(): Promise<void> {
    const reason =
      this.#state.kind === 'ended' ? this.#state.reason : new NvrError('internal', 'Closed without a reason');
    this.#context.signal.removeEventListener('abort', this.#onAbort);
    this.#timer?.cancel();
    this.#intake.close();
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
    await this.#parts.socket.close();
    this.#context.log.debug({ reason: reason.code, ...this.counters().details }, 'IWFCam session ended');
    this.#closed.resolve();
    this.#opened.reject(reason);
  }
}
