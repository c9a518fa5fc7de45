// The RTSP server: the port, its connections and their bounds, and the one timer for all of them.

import type { Auth } from '../auth/auth.ts';
import { addressKey } from '../auth/doors.ts';
import type { Fleet } from '../cameras/fleet.ts';
import type { Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { Tally } from '../core/tally.ts';
import type { LiveFeeds } from '../live/live-feeds.ts';
import type { ByteStream, StreamListener, StreamNet } from '../net/stream.ts';
import { CardSources } from './card-source.ts';
import { RtspConnection } from './connection.ts';
import type { OnRefused } from './door.ts';
import { MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, MAX_STRANGERS_PER_ADDRESS, TICK_MS } from './limits.ts';

/** What the server stands on. */
export type RtspServerOptions = {
  readonly net: StreamNet;
  readonly auth: Auth;
  readonly fleet: Fleet;
  readonly feeds: LiveFeeds;
  readonly onRefused: OnRefused;
  readonly log: Logger;
};

type Client = { readonly connection: RtspConnection; readonly place: string; readonly stream: ByteStream };

/** See the head of this file. `listen` once, `close` once. */
export class RtspServer {
  readonly tally = new Tally<'connections' | 'turnedAway' | 'picturesSkipped'>();
  readonly #options: RtspServerOptions;
  readonly #cards: CardSources;
  /** In the order in which they came. */
  readonly #clients = new Set<Client>();
  readonly #stopListening: () => void;
  #listener: StreamListener | null = null;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: RtspServerOptions) {
    this.#options = options;
    const log = options.log.child({ part: 'rtsp-out' });
    this.#cards = new CardSources(options.feeds, log);
    this.#stopListening = options.feeds.bus.on('camera.removed', () => this.#tickAll());
  }

  /** Open connections. */
  get connections(): number {
    return this.#clients.size;
  }

  /** Connections that play. */
  get readers(): number {
    return [...this.#clients].filter(({ connection }) => connection.isPlaying).length;
  }

  /** Streams of cards that run: a leak check. */
  get cardStreams(): number {
    return this.#cards.size;
  }

  /** @returns the port @throws NvrError `conflict` when it is taken, `unavailable` for other failures */
  async listen(address: string, port: number): Promise<number> {
    this.#listener = await this.#options.net.listen({ address, port }, (stream) => this.#accept(stream));
    return this.#listener.local.port;
  }

  /** Says goodbye to all readers and frees the port. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    for (const { connection } of [...this.#clients]) connection.end('Perch stops');
    this.#timer?.cancel();
    await this.#listener?.close();
    await this.#cards.settled();
  }

  #accept(stream: ByteStream): void {
    const place = addressKey(stream.remote.address);
    if (this.#closed || !this.#makeRoom(place)) {
      this.tally.add('turnedAway');
      void stream.close();
      return;
    }
    this.tally.add('connections');
    const { auth, fleet, feeds, onRefused, log } = this.#options;
    const connection = new RtspConnection(stream, {
      ...{ auth, fleet, feeds, onRefused, clock: feeds.clock, cards: this.#cards },
      onSkipped: (frames) => this.tally.add('picturesSkipped', frames),
      onClosed: (why) => {
        this.#clients.delete(client);
        log.debug({ address: place, why }, 'An RTSP client has gone');
      },
    });
    const client: Client = { connection, place, stream };
    this.#clients.add(client);
    if (this.#timer === null) this.#scheduleTick();
  }

  /** Whether one more may come; the strangers that waited longest go first. */
  #makeRoom(place: string): boolean {
    const ofPlace = [...this.#clients].filter((client) => client.place === place);
    const strangers = ofPlace.filter(({ connection }) => !connection.isKnown);
    if (strangers.length >= MAX_STRANGERS_PER_ADDRESS) strangers[0]?.connection.end('crowded');
    else if (ofPlace.length >= MAX_CONNECTIONS_PER_ADDRESS) return false;
    if (this.#clients.size < MAX_CONNECTIONS) return true;
    const stranger = [...this.#clients].find(({ connection }) => !connection.isKnown);
    stranger?.connection.end('crowded');
    return stranger !== undefined;
  }

  #scheduleTick(): void {
    this.#timer = this.#options.feeds.clock.after(TICK_MS, () => {
      this.#timer = null;
      this.#tickAll();
      if (this.#clients.size > 0 && !this.#closed) this.#scheduleTick();
    });
  }

  #tickAll(): void {
    const nowMs = this.#options.feeds.clock.monoMs();
    for (const { connection } of [...this.#clients]) connection.tick(nowMs);
  }
}
