// PERCH_DAHUA_EXPOSE: a port per device on which other RTSP tools use its tunnel. Off unless asked for; on loopback unless
// another address is named, because whoever reaches the port reaches the device's RTSP server (which still asks for its
// password).

import { isNvrError } from '../../core/nvr-error.ts';
import type { Net } from '../../net/net.ts';
import type { ByteStream, StreamListener } from '../../net/stream.ts';

/** Where tunnels are published. */
export type ExposeOptions = {
  readonly address: string;
  /** The first device gets this port, each further one the next free one; `null`: any. */
  readonly port: number | null;
};

/** How far from the first port a free one is looked for. */
const MAX_PORTS = 64;
const MAX_PORT = 65_535;

/** The published port of one device: the same one at every reconnection, and after a restart where it is still free. */
export class ExposedPort {
  readonly address: string;
  readonly #first: number | null;
  #port: number | null;
  #isListening = false;

  /** @param kept the port of last time */
  constructor(options: ExposeOptions, kept: number | null) {
    this.address = options.address;
    this.#first = options.port;
    this.#port = kept;
  }

  /** The port, while it is published. */
  get port(): number | null {
    return this.#isListening ? this.#port : null;
  }

  /** The port to keep for next time. */
  get kept(): number | null {
    return this.#port;
  }

  /**
   * Publishes it.
   * @throws NvrError `conflict` when no port is free, `unavailable` when the address is not one of this machine
   */
  async listen(net: Net, onStream: (stream: ByteStream) => void): Promise<StreamListener> {
    for (const port of this.#candidates()) {
      try {
        const listener = await net.streams.listen({ address: this.address, port }, onStream);
        this.#port = listener.local.port;
        this.#isListening = true;
        return listener;
      } catch (error) {
        if (!isNvrError(error, 'conflict') || port === 0) throw error;
      }
    }
    return net.streams.listen({ address: this.address, port: this.#first ?? 0 }, onStream);
  }

  /** It is not published any more. */
  closed(): void {
    this.#isListening = false;
  }

  #candidates(): number[] {
    const kept = this.#port === null ? [] : [this.#port];
    if (this.#first === null) return [...kept, 0];
    const first = this.#first;
    const range = Array.from({ length: MAX_PORTS }, (_, n) => first + n).filter((port) => port <= MAX_PORT);
    // A kept port of another setting does not count.
    return [...kept.filter((port) => range.includes(port)), ...range];
  }
}
