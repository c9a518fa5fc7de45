// A tunnel to one device: an established link, and a listener on loopback whose every connection becomes a realm. Shared by
// all cameras of the device (tunnels.ts).

import type { Clock, Timer } from '../../core/clock.ts';
import type { NvrError } from '../../core/nvr-error.ts';
import type { Endpoint, Net } from '../../net/net.ts';
import type { ByteStream, StreamListener } from '../../net/stream.ts';
import { tunnelLimits } from './dialect.ts';
import type { Established } from './establish.ts';
import type { ExposedPort } from './expose.ts';
import { dahuaError } from './failures.ts';
import { GatheredWrites } from './gathered-writes.ts';
import type { Realm } from './realms.ts';

const LOOPBACK = '127.0.0.1';

/** See the head of this file. */
export class Tunnel {
  /** Local readers that were too slow, and lost their realm. */
  overflows = 0;
  readonly #established: Established;
  readonly #streams = new Set<ByteStream>();
  #listener: StreamListener | null = null;
  #exposed: { readonly listener: StreamListener; readonly port: ExposedPort } | null = null;
  #guests = 0;
  readonly #mute = new Map<ByteStream, Timer>();
  #closing: Promise<void> | null = null;
  /** Why it ended; `null` while it lives or when we closed it. */
  #lostBecause: string | null = null;

  /** Listens. @throws NvrError `unavailable`; the caller closes what was established */
  static async open(net: Net, established: Established): Promise<Tunnel> {
    const tunnel = new Tunnel(established);
    tunnel.#listener = await net.streams.listen({ address: LOOPBACK, port: 0 }, (stream) => tunnel.#accept(stream));
    return tunnel;
  }

  /**
   * Lets other RTSP tools in, too, by a port of their own.
   * @throws NvrError `conflict`, `unavailable`; the tunnel goes on without
   */
  async expose(net: Net, clock: Clock, port: ExposedPort): Promise<void> {
    const listener = await port.listen(net, (stream) => this.#acceptGuest(stream, clock));
    if (this.#closing) {
      port.closed();
      await listener.close();
      return;
    }
    this.#exposed = { listener, port };
  }

  private constructor(established: Established) {
    this.#established = established;
    void established.link.ended.then((reason) => {
      if (!this.#closing) this.#lostBecause = reason;
      void this.close();
    });
  }

  /** Where RTSP clients of this machine connect. */
  get endpoint(): Endpoint {
    return this.#listener!.local;
  }

  get isOpen(): boolean {
    return this.#closing === null && !this.#established.link.isEnded;
  }

  /** The error of a lost tunnel; `null` while it lives. */
  get error(): NvrError | null {
    return this.#lostBecause === null ? null : dahuaError('lost', 'stream', '', this.#lostBecause);
  }

  /** Where other RTSP tools of the user connect; `null` when the tunnel is not published. */
  get exposed(): Endpoint | null {
    const { port: exposed } = this.#exposed ?? {};
    return exposed && exposed.port !== null ? { address: exposed.address, port: exposed.port } : null;
  }

  get rtspPort(): number {
    return this.#established.rtspPort;
  }

  /** For the status page. */
  get facts(): Record<string, string | number | boolean> {
    const { link, path, profile, deviceVersion, type, dialect } = this.#established;
    const roundTripMs = link.roundTripMs;
    return {
      ...{ path, profile, deviceVersion, devicePassword: type === 1, isSuspect: link.isSuspect },
      ...(path === 'direct' && { dialect }),
      ...(roundTripMs !== null && { roundTripMs: Math.round(roundTripMs) }),
    };
  }

  /** For the status page. */
  get counts(): Record<string, number> {
    const { link } = this.#established;
    const { bytesReceived, bytesSent } = link;
    return {
      ...link.counts,
      ...{ tunnelBytesReceived: bytesReceived, tunnelBytesSent: bytesSent },
      ...{ realmsOpen: link.realms.count, overflows: this.overflows },
    };
  }

  /** Goodbye: DISC for each realm, unbind, sockets. Idempotent; at most two seconds. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { link, close } = this.#established;
    const listening = this.#listener;
    const exposed = this.#exposed;
    await link.close(tunnelLimits.goodbyeMs);
    exposed?.port.closed();
    for (const timer of this.#mute.values()) timer.cancel();
    await Promise.all([
      ...[close(), listening?.close(), exposed?.listener.close()],
      ...[...this.#streams].map((stream) => stream.close()),
    ]);
  }

  /** A connection of somebody else: it costs the device nothing until it says something, and leaves room for our own. */
  #acceptGuest(stream: ByteStream, clock: Clock): void {
    if (this.#guests >= tunnelLimits.maxGuests) {
      void stream.close();
      return;
    }
    this.#guests++;
    this.#streams.add(stream);
    const hear = () => {
      this.#mute.get(stream)?.cancel();
      this.#mute.delete(stream);
    };
    const leave = () => {
      hear();
      this.#guests--;
      this.#streams.delete(stream);
      void stream.close();
    };
    this.#mute.set(stream, clock.after(tunnelLimits.guestSilenceMs, leave));
    stream.onEnd(leave);
    stream.onBytes((bytes) => {
      hear();
      this.#accept(stream, bytes, () => this.#guests--);
    });
  }

  #accept(stream: ByteStream, first: Uint8Array | null = null, onLeave: () => void = () => {}): void {
    const { link, rtspPort } = this.#established;
    this.#streams.add(stream);
    let isOpen = false;
    const down = new GatheredWrites(stream);
    const leave = () => {
      if (this.#streams.delete(stream)) onLeave();
      down.flush();
      void stream.close();
    };
    const realm: Realm | null = link.open(rtspPort, {
      onOpen: () => {
        isOpen = true;
        stream.resume();
      },
      onData: (octets) => {
        down.write(octets);
        if (down.queuedBytes <= tunnelLimits.maxQueuedDownBytes) return;
        // Only this reader is slow; the others must not wait for it.
        this.overflows++;
        realm?.close();
        leave();
      },
      onEnd: leave,
      onDrain: () => stream.resume(),
    });
    if (!realm) {
      leave();
      return;
    }
    if (!isOpen) stream.pause();
    const forward = (bytes: Uint8Array) => {
      realm.write(bytes);
      if (realm.queuedBytes() > tunnelLimits.maxQueuedUpBytes) stream.pause();
    };
    if (first) forward(first);
    stream.onBytes(forward);
    stream.onEnd((end) => {
      if (end === null) realm.end();
      else realm.close();
      leave();
    });
  }
}
