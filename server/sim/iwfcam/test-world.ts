// A camera and a client on a network in memory, with time that stands still: what the tests beside it begin with.

import { ManualClock } from '../../core/manual-clock.ts';
import { encodeCommand, encodeLive } from '../../drivers/iwfcam/wire.ts';
import { MemoryNet } from '../../net/memory-net.ts';
import type { Endpoint } from '../../net/net.ts';
import { CountedPictures } from '../counted-pictures.ts';
import { BareClient, type LoginFields } from './bare-client.ts';
import type { IwfcamSimulatorOptions } from './options.ts';
import { IwfcamSimulator } from './simulator.ts';

export const CAMERA = '10.0.0.2';
export const CLIENT = '10.0.0.9';

/** Longer than any datagram takes. */
const TRAVEL_MS = 5;

/** See {@link startWorld}. */
export class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet({ clock: this.clock });
  readonly pictures = new CountedPictures({ minBytes: 8000, maxBytes: 20_000 });
  simulator!: IwfcamSimulator;
  readonly #clients: BareClient[] = [];

  /** The camera's media port, where logins and everything after go. */
  get media(): Endpoint {
    return { address: CAMERA, port: this.simulator.mediaPort };
  }

  get discovery(): Endpoint {
    return { address: CAMERA, port: this.simulator.discoveryPort };
  }

  async client(port = 0, address = CLIENT): Promise<BareClient> {
    const client = await BareClient.open(this.net.host(address), address, port);
    this.#clients.push(client);
    return client;
  }

  /** Lets everything under way arrive, and the answers too. */
  async travel(): Promise<void> {
    await this.clock.advance(TRAVEL_MS);
  }

  /** A client that has sent its login; its answer is there. */
  async login(fields: LoginFields = {}, port = 0): Promise<BareClient> {
    const client = await this.client(port);
    client.login(this.media, fields);
    await this.travel();
    return client;
  }

  /** A client that sees pictures, and hears sound with mask 3. */
  async watch(mask = 1, port = 0): Promise<BareClient> {
    const client = await this.login({}, port);
    await this.live(client, mask);
    return client;
  }

  async live(client: BareClient, mask: number, session = client.logins.at(-1)?.session ?? 1): Promise<void> {
    client.send(encodeLive(session, mask), this.media);
    await this.travel();
  }

  async close(client: BareClient): Promise<void> {
    client.send(encodeCommand(client.logins.at(-1)?.session ?? 1, 'close'), this.media);
    await this.travel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.stop();
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

/** A running camera on 10.0.0.2 in memory. */
export async function startWorld(options: Partial<IwfcamSimulatorOptions> = {}): Promise<World> {
  const world = new World();
  world.simulator = await IwfcamSimulator.start({
    net: world.net.host(CAMERA),
    clock: world.clock,
    host: CAMERA,
    pictures: world.pictures,
    ...options,
  });
  return world;
}
