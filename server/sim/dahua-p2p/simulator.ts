// A simulated Dahua world: the cloud's servers and agents, and one device with any TCP servers inside it.

import { seededRandom } from '../../core/random.ts';
import type { Endpoint } from '../../net/net.ts';
import { Cloud } from './cloud.ts';
import { Device } from './device.ts';
import { type DahuaFaults, type DahuaSimulatorOptions, type DahuaStats, noDahuaFaults } from './options.ts';

/** See the head of this file. */
export class DahuaSimulator implements AsyncDisposable {
  /** May be changed while it runs. */
  readonly faults: DahuaFaults;
  readonly stats: DahuaStats = {
    ...{
      requests: {},
      rejected: {},
      attemptAtMs: [],
      knockAtMs: [],
      agents: 0,
      unbinds: 0,
      sessions: 0,
      signs: 0,
      binds: 0,
      discs: 0,
    },
    ...{ realms: 0, retransmissions: 0, futureAcks: 0, stunRequests: 0 },
  };
  readonly #options: DahuaSimulatorOptions;
  readonly #device: Device;
  readonly #cloud: Cloud;

  /** Opens its ports. @throws NvrError when one is taken */
  static async start(options: DahuaSimulatorOptions): Promise<DahuaSimulator> {
    const simulator = new DahuaSimulator(options);
    await simulator.#cloud.start();
    return simulator;
  }

  private constructor(options: DahuaSimulatorOptions) {
    this.#options = options;
    this.faults = { ...noDahuaFaults, ...options.faults };
    const random = seededRandom(options.seed ?? 1);
    this.#device = new Device(options, this.faults, this.stats, random);
    this.#cloud = new Cloud(options, this.faults, this.stats, this.#device, random);
  }

  /** The main server. */
  get server(): Endpoint {
    return this.#cloud.main;
  }

  /** Realms that are open now. */
  get realms(): number {
    return this.#device.realms;
  }

  /** Agents that are allocated now. */
  get agents(): number {
    return this.#cloud.agents;
  }

  /** What to add it with. */
  get settings() {
    const { serial = 'TESTSN0000000001', username = 'admin', password = 'secret' } = this.#options;
    return { serial, username, password, server: `${this.server.address}:${this.server.port}` };
  }

  /** The device loses power; the cloud stays. */
  async vanish(): Promise<void> {
    await this.#device.vanish();
  }

  comeBack(): void {
    this.#device.isPresent = true;
  }

  async stop(): Promise<void> {
    await this.#device.stop();
    await this.#cloud.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
