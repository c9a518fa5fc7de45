// A simulated ONVIF device: answers searches, and tells its profiles to who signs in (WS-Security digest, HTTP Digest, or
// both). The streams themselves are those of other simulators.

import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import {
  DISCOVERY_GROUP,
  encodeEnvelope,
  encodeProbeMatch,
  readProbe,
  readToken,
  SOAP_TYPE,
  tokenDigest,
} from '../../drivers/onvif/wire.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';
import type { ByteStream, StreamListener } from '../../net/stream.ts';
import { Gate } from '../gate.ts';
import { type AnswerContext, answers, fault, operationOf, type SimulatedProfile } from './answers.ts';

export type { SimulatedProfile } from './answers.ts';

/** How it wants to know who asks. */
export type OnvifAuth = 'none' | 'token' | 'digest';

/** What it may do wrong. Texts go into answers as they are. */
export type OnvifFaults = {
  /** Its own host in addresses, instead of its address. */
  readonly namedHost?: string;
  /** Accepts and never answers. */
  readonly silent?: boolean;
  /** Answers every request with it. */
  readonly reply?: {
    readonly status: number;
    readonly type?: string;
    readonly body: string;
    readonly location?: string;
  };
  /** Asks for a password in clear. */
  readonly basicOnly?: boolean;
  /** Answers this to probes instead. */
  readonly match?: (probeId: string, from: Endpoint) => Uint8Array;
};

/** Options of {@link OnvifSimulator}. */
export type OnvifSimulatorOptions = {
  readonly net: Net;
  readonly clock: Clock;
  readonly host: string;
  /** Of its web server; 0: any. */
  readonly port: number;
  /** Where it hears searches; 0: any, without multicast. */
  readonly discoveryPort?: number;
  readonly profiles: readonly SimulatedProfile[];
  readonly auth?: OnvifAuth;
  readonly username?: string;
  readonly password?: string;
  readonly name?: string;
  readonly hardware?: string;
  /** Its clock is that much ahead. */
  readonly clockAheadMs?: number;
  /** Versions of the media service that it has. */
  readonly media?: readonly ('media' | 'media2')[];
  /** Firmware from before GetServices. */
  readonly noServices?: boolean;
  readonly faults?: OnvifFaults;
};

/** What it saw, for assertions. */
export type OnvifStats = {
  probes: number;
  refused: number;
  readonly operations: string[];
  /** Everything that came over HTTP. */
  readonly heard: string[];
};

/** A token older than this, in the device's time, is refused. */
const TOKEN_AGE_MS = 30_000;
const MAX_REQUEST_BYTES = 64 * 1024;

/** See the head of this file. */
export class OnvifSimulator implements AsyncDisposable {
  readonly options: OnvifSimulatorOptions;
  readonly stats: OnvifStats = { probes: 0, refused: 0, operations: [], heard: [] };
  readonly endpoint = `urn:uuid:${randomUUID()}`;
  faults: OnvifFaults;
  readonly #gate: Gate;
  readonly #nonces = new Set<string>();
  #listener: StreamListener | null = null;
  #socket: UdpSocket | null = null;

  /** Listens. */
  static async start(options: OnvifSimulatorOptions): Promise<OnvifSimulator> {
    const simulator = new OnvifSimulator(options);
    await simulator.#start();
    return simulator;
  }

  private constructor(options: OnvifSimulatorOptions) {
    this.options = options;
    this.faults = options.faults ?? {};
    const { username = 'admin', password = 'secret' } = options;
    this.#gate = new Gate('digest-md5', username, password);
  }

  get port(): number {
    return this.#listener!.local.port;
  }

  get discoveryPort(): number {
    return this.#socket!.local.port;
  }

  /** Of its device service, at its own address. */
  get url(): string {
    return `http://${this.options.host}:${this.port}/onvif/device_service`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket?.close();
    await this.#listener?.close();
  }

  async #start(): Promise<void> {
    const { net, host, port, discoveryPort = 0 } = this.options;
    this.#listener = await net.streams.listen({ address: host, port }, (stream) => this.#serve(stream));
    // Multicast is not heard by a socket that is bound to one address.
    this.#socket =
      discoveryPort === 0
        ? await net.openUdp({ address: host })
        : await net.openUdp({ port: discoveryPort, group: DISCOVERY_GROUP, multicastFrom: host });
    const socket = this.#socket;
    socket.onDatagram((bytes, from) => {
      const probe = readProbe(bytes);
      if (!probe || (probe.types !== '' && !probe.types.includes('NetworkVideoTransmitter'))) return;
      this.stats.probes++;
      const { name = 'Front door', hardware = 'SIM-1' } = this.options;
      const match = {
        endpoint: this.endpoint,
        addresses: [this.#named('/onvif/device_service')],
        scopes: new Map([
          ['type', 'video_encoder'],
          ['name', name],
          ['hardware', hardware],
        ]),
      };
      socket.send(this.faults.match?.(probe.id, from) ?? encodeProbeMatch(probe.id, randomUUID(), match), from);
    });
  }

  #named(path: string): string {
    return `http://${this.faults.namedHost ?? this.options.host}:${this.port}${path}`;
  }

  #serve(stream: ByteStream): void {
    let heard = Buffer.alloc(0);
    stream.onEnd(() => void stream.close());
    stream.onBytes((bytes) => {
      heard = Buffer.concat([heard, bytes]);
      const head = heard.indexOf('\r\n\r\n');
      if (heard.length > MAX_REQUEST_BYTES) void stream.close();
      if (head < 0) return;
      const lines = heard.toString('latin1', 0, head).split('\r\n');
      const headers = new Map(
        lines.slice(1).map((line) => [line.split(':')[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const body = heard.subarray(head + 4);
      if (body.length < Number(headers.get('content-length') ?? 0)) return;
      this.stats.heard.push(heard.toString('utf8'));
      heard = Buffer.alloc(0);
      if (this.faults.silent) return;
      const [, target = ''] = lines[0]!.split(' ');
      stream.write(this.#reply(target, headers, body.toString('utf8')));
      void stream.close();
    });
  }

  #reply(target: string, headers: ReadonlyMap<string, string>, body: string): string {
    const { reply, basicOnly } = this.faults;
    if (reply) {
      const location = reply.location === undefined ? [] : [`Location: ${reply.location}`];
      return http(reply.status, reply.body, [`Content-Type: ${reply.type ?? SOAP_TYPE}`, ...location]);
    }
    const operation = operationOf(body);
    this.stats.operations.push(operation);
    const isOpen = operation === 'GetSystemDateAndTime';
    if (basicOnly && !isOpen) return http(401, '', ['WWW-Authenticate: Basic realm="sim"']);
    if (!isOpen && !this.#isKnown(headers, body)) {
      this.stats.refused++;
      if (this.options.auth === 'digest') return http(401, '', [`WWW-Authenticate: ${this.#gate.challenge()}`]);
      return http(400, encodeEnvelope(fault('ter:NotAuthorized', 'Sender not authorized'), null), [
        `Content-Type: ${SOAP_TYPE}`,
      ]);
    }
    const { profiles, clock, clockAheadMs = 0, noServices = false, media = ['media', 'media2'] } = this.options;
    const context: AnswerContext = {
      ...{ target, body, profiles, media, noServices },
      nowMs: clock.wallMs() + clockAheadMs,
      address: (path) => this.#named(path),
      ...(this.faults.namedHost !== undefined && { namedHost: this.faults.namedHost }),
    };
    const answer = answers(operation, context);
    return http(answer.startsWith('<s:Fault') ? 500 : 200, encodeEnvelope(answer, null), [
      `Content-Type: ${SOAP_TYPE}`,
    ]);
  }

  #isKnown(headers: ReadonlyMap<string, string>, body: string): boolean {
    const { auth = 'token', username = 'admin', password = 'secret', clock, clockAheadMs = 0 } = this.options;
    if (auth === 'none') return true;
    if (auth === 'digest') return this.#gate.admits('POST', headers.get('authorization'));
    const token = readToken(body);
    if (!token || token.username !== username || this.#nonces.has(token.nonce)) return false;
    const ageMs = clock.wallMs() + clockAheadMs - Date.parse(token.created);
    if (!(Math.abs(ageMs) <= TOKEN_AGE_MS)) return false;
    this.#nonces.add(token.nonce);
    return tokenDigest(Buffer.from(token.nonce, 'base64'), token.created, password) === token.digest;
  }
}

function http(status: number, body: string, headers: readonly string[]): string {
  const bytes = Buffer.from(body);
  const lines = [`HTTP/1.1 ${status} X`, ...headers, `Content-Length: ${bytes.length}`, 'Connection: close'];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
