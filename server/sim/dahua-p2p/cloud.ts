// The simulated cloud: main server, user side server, dispatcher and agents (sections 4 and 12.2). Every request is checked:
// digest, time, repeated nonces.

import type { Random } from '../../core/random.ts';
import {
  type AppKey,
  classifyDatagram,
  type DhRequest,
  encodeBody,
  encodeResponse,
  encryptInfo,
  endpointText,
  parseRequest,
  verifyWsse,
} from '../../drivers/dahua-p2p/wire.ts';
import type { Endpoint, UdpSocket } from '../../net/net.ts';
import type { Device, DeviceAnswer } from './device.ts';
import type { DahuaFaults, DahuaSimulatorOptions, DahuaStats } from './options.ts';

const CLOCK_WINDOW_S = 300;
const MAX_REMEMBERED = 2000;
const LEASE_SECONDS = 1800;
const FORWARD_MS = 5;
const XML = '<?xml version="1.0" encoding="UTF-8"?>';

/** Keys that the simulated cloud knows unless told otherwise: those of public clients. */
export const simulatedKeys: readonly AppKey[] = [
  { username: 'P2PClient', userkey: 'YXQ3Mahe-5H-R1Z_' },
  { username: 'cba1b29e32cb17aa46b8ff9e73c7f40b', userkey: '996103384cdf19179e19243e959bbf8b' },
];

type Agent = {
  readonly token: string;
  readonly socket: UdpSocket;
  client: Endpoint | null;
  device: Endpoint | null;
  isDead: boolean;
  endsAtMs: number;
};
type Reply = { code: number; reason?: string; body?: string | null; date?: boolean };

/** See the head of this file. */
export class Cloud {
  readonly #options: DahuaSimulatorOptions;
  readonly #faults: DahuaFaults;
  readonly #stats: DahuaStats;
  readonly #device: Device;
  readonly #random: Random;
  readonly #sockets: UdpSocket[] = [];
  readonly #agents = new Map<string, Agent>();
  readonly #nonces = new Set<string>();
  /** Requests that were counted as attempts, so that repeats are not. */
  readonly #seen = new Set<string>();
  /** Allocations by who asked with which number: a repeat gets the same one. */
  readonly #allocated = new Map<string, Agent>();
  #main!: UdpSocket;
  #us!: UdpSocket;
  #dispatcher!: UdpSocket;

  constructor(options: DahuaSimulatorOptions, faults: DahuaFaults, stats: DahuaStats, device: Device, random: Random) {
    this.#options = options;
    this.#faults = faults;
    this.#stats = stats;
    this.#device = device;
    this.#random = random;
  }

  get main(): Endpoint {
    return this.#main.local;
  }

  async start(): Promise<void> {
    const { port = 0 } = this.#options;
    this.#main = await this.#open(
      port,
      (request, from) => this.#onMain(request, from),
      (from) => this.#noteKnock(from),
    );
    this.#us = await this.#open(0, (request) => this.#onUs(request));
    this.#dispatcher = await this.#open(0, (request, from) => this.#onDispatcher(request, from));
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#sockets, ...[...this.#agents.values()].map(({ socket }) => socket)].map((each) => each.close()),
    );
    this.#agents.clear();
  }

  /** Live allocations. */
  get agents(): number {
    return this.#agents.size;
  }

  async #open(
    port: number,
    handle: (request: DhRequest, from: Endpoint) => Reply | null | Promise<Reply | null>,
    onKnock: (from: Endpoint) => void = () => {},
  ): Promise<UdpSocket> {
    const socket = await this.#options.net.openUdp({ address: this.#options.host, port });
    this.#sockets.push(socket);
    socket.onDatagram((bytes, from) => {
      onKnock(from);
      if (this.#faults.isCloudAway || classifyDatagram(bytes) !== 'dh-request') return;
      void this.#answer(socket, bytes, from, handle);
    });
    return socket;
  }

  #noteKnock(from: Endpoint): void {
    const caller = `caller ${endpointText(from)}`;
    if (this.#seen.has(caller)) return;
    this.#remember(this.#seen, caller);
    this.#stats.knockAtMs.push(this.#options.clock.monoMs());
  }

  async #answer(
    socket: UdpSocket,
    bytes: Uint8Array,
    from: Endpoint,
    handle: (request: DhRequest, from: Endpoint) => Reply | null | Promise<Reply | null>,
  ): Promise<void> {
    const request = readRequest(bytes);
    if (!request) return;
    const name = request.path.split('/').slice(1, 3).join('/').replace(this.#serial, '{SN}');
    this.#stats.requests[name] = (this.#stats.requests[name] ?? 0) + 1;
    const reply = this.#admit(request) ?? (await handle(request, from));
    if (reply) this.#send(socket, from, request.cseq, reply);
  }

  #send(
    socket: UdpSocket,
    to: Endpoint,
    cseq: number | null,
    { code, reason = 'OK', body = null, date = true }: Reply,
  ): void {
    const headers: [string, string][] = [['CSeq', String(cseq ?? 0)]];
    if (date) headers.unshift(['Date', this.#date()]);
    socket.send(encodeResponse(code, reason, headers, body), to);
  }

  get #serial(): string {
    return this.#options.serial ?? 'TESTSN0000000001';
  }

  #nowSeconds(): number {
    return this.#options.clock.wallMs() / 1000 + this.#faults.clockOffsetSeconds;
  }

  #date(): string {
    return `${new Date(this.#nowSeconds() * 1000).toISOString().slice(0, 19)}Z`;
  }

  #reject(why: string): Reply {
    this.#stats.rejected[why] = (this.#stats.rejected[why] ?? 0) + 1;
    return { code: 401, reason: 'Unauthorized' };
  }

  #admit(request: DhRequest): Reply | null {
    if (this.#faults.unauthorized > 0) {
      this.#faults.unauthorized--;
      return this.#reject('forced');
    }
    const verdict = verifyWsse(this.#options.keys ?? simulatedKeys, request.headers.get('x-wsse') ?? '');
    if (!verdict.ok || !request.wsse) return this.#reject(verdict.ok ? 'none' : verdict.reason);
    const created = Date.parse(request.wsse.created) / 1000;
    if (!(Math.abs(created - this.#nowSeconds()) <= CLOCK_WINDOW_S)) return this.#reject('CLOCK');
    const nonce = `${request.wsse.nonce} ${request.wsse.created}`;
    if (this.#nonces.has(nonce)) return this.#reject('NONCE');
    this.#remember(this.#nonces, nonce);
    return null;
  }

  #remember(set: Set<string>, entry: string): void {
    set.add(entry);
    if (set.size > MAX_REMEMBERED) set.delete(set.values().next().value as string);
  }

  async #onMain(request: DhRequest, from: Endpoint): Promise<Reply | null> {
    const { path } = request;
    const { host } = this.#options;
    if (path === '/probe/p2psrv') return { code: 200 };
    if (path === '/online/relay') {
      return { code: 200, body: `${XML}${encodeBody([['Address', endpointText(this.#dispatcher.local)]])}` };
    }
    const isKnown = !this.#faults.isUnknown;
    if (path === `/online/p2psrv/${this.#serial}` && isKnown) {
      return {
        code: 200,
        body: encodeBody([
          ['DS', `${host}:8802`],
          ['US', endpointText(this.#us.local)],
        ]),
      };
    }
    if (path === `/device/${this.#serial}/p2p-channel` && isKnown) return this.#channel(request, from);
    if (path === `/device/${this.#serial}/relay-channel` && isKnown) {
      await this.#options.clock.sleep(FORWARD_MS);
      return toReply(await this.#device.onRelayChannel(request.body, request.cseq ?? 0));
    }
    return { code: 404, reason: 'Not Found' };
  }

  async #channel(request: DhRequest, from: Endpoint): Promise<Reply | null> {
    const { trying } = this.#faults;
    const { clock } = this.#options;
    const attempt = `${endpointText(from)} ${request.cseq}`;
    if (!this.#seen.has(attempt)) {
      this.#remember(this.#seen, attempt);
      this.#stats.attemptAtMs.push(clock.monoMs());
    }
    const tries = trying === 'none' ? 0 : trying === 'five' ? 5 : 1;
    for (let n = 0; n < tries; n++)
      this.#send(this.#main, from, request.cseq, { code: 100, reason: 'Trying', body: encodeBody([]) });
    if (trying === 'only') return null;
    await clock.sleep(FORWARD_MS);
    return toReply(await this.#device.onChannel(request.body, from, request.cseq ?? 0));
  }

  #onUs({ path }: DhRequest): Reply {
    if (path === `/probe/device/${this.#serial}`) {
      return this.#device.isPresent ? { code: 200 } : { code: 404, reason: 'Not Found' };
    }
    if (path !== `/info/device/${this.#serial}`) return { code: 404, reason: 'Not Found' };
    const { info = 'full', randSalt = '', rtspPort = 554 } = this.#options;
    const randsalt = this.#publishedSalt(randSalt);
    const facts = { httpport: 80, privport: 37777, ...(randsalt !== '' && { randsalt }), rtspport: rtspPort };
    const text = info === 'empty' ? '' : info === 'garbage' ? 'AAAAAAAAAAAA' : encryptInfo(JSON.stringify(facts));
    return {
      code: 200,
      body: encodeBody([
        ['DevVersion', '6.7.30'],
        ['Info', text],
      ]),
      date: false,
    };
  }

  #publishedSalt(salt: string): string {
    if (this.#faults.saltlessInfos > 0) {
      this.#faults.saltlessInfos--;
      return '';
    }
    if (this.#faults.wrongSalts === 0) return salt;
    this.#faults.wrongSalts--;
    return `${salt}0`;
  }

  async #onDispatcher({ path, cseq }: DhRequest, from: Endpoint): Promise<Reply | null> {
    if (this.#faults.isDispatcherSilent) return null;
    if (path === '/relay/agent') {
      const name = `${endpointText(from)} ${cseq}`;
      const agent = this.#allocated.get(name) ?? (await this.#allocate());
      this.#allocated.set(name, agent);
      const fields = encodeBody([
        ['Agent', endpointText(agent.socket.local)],
        ['Token', agent.token],
      ]);
      return { code: 200, body: `${XML}${fields}\r\n\r\n`, date: false };
    }
    const token = /^\/relay\/unbind\/([\w-]{1,128})$/.exec(path)?.[1];
    if (token === undefined) return { code: 404, reason: 'Not Found' };
    const agent = this.#agents.get(token);
    if (!agent) return { code: 403, reason: 'Forbidden' };
    this.#stats.unbinds++;
    this.#agents.delete(token);
    await agent.socket.close();
    return { code: 200, date: false };
  }

  async #allocate(): Promise<Agent> {
    const hex = (length: number) => Array.from({ length }, () => Math.floor(this.#random() * 16).toString(16)).join('');
    const socket = await this.#options.net.openUdp({ address: this.#options.host, receiveBufferBytes: 4 << 20 });
    const { clock, leaseSeconds = LEASE_SECONDS } = this.#options;
    const isDead = this.#faults.deadAgents > 0;
    if (isDead) this.#faults.deadAgents--;
    const agent: Agent = {
      ...{ token: `${hex(32).toUpperCase()}-${hex(32)}`, socket, client: null, device: null, isDead },
      endsAtMs: clock.monoMs() + leaseSeconds * 1000,
    };
    this.#stats.agents++;
    this.#agents.set(agent.token, agent);
    socket.onDatagram((bytes, from) => this.#onAgent(agent, bytes, from));
    return agent;
  }

  #onAgent(agent: Agent, bytes: Uint8Array, from: Endpoint): void {
    const isOver = this.#options.clock.monoMs() >= agent.endsAtMs;
    if (this.#faults.isRelayDead || agent.isDead || isOver) return;
    if (classifyDatagram(bytes) === 'dh-request') {
      const request = readRequest(bytes);
      if (request?.path !== `/relay/start/${agent.token}`) return;
      const refusal = this.#admit(request);
      agent.client ??= from;
      const body = `${XML}${encodeBody([
        ['SID', agent.token.split('-')[1] ?? ''],
        ['Time', '30'],
      ])}\r\n\r\n`;
      this.#send(agent.socket, from, request.cseq, refusal ?? { code: 200, body, date: false });
      return;
    }
    if (!agent.client) return;
    if (isSame(from, agent.client)) {
      if (agent.device) agent.socket.send(bytes, agent.device);
      return;
    }
    agent.device ??= from;
    if (isSame(from, agent.device)) agent.socket.send(bytes, agent.client);
  }
}

const isSame = (a: Endpoint, b: Endpoint) => a.address === b.address && a.port === b.port;

function toReply(answer: DeviceAnswer): Reply | null {
  return answer && { ...answer, date: false };
}

function readRequest(bytes: Uint8Array): DhRequest | null {
  try {
    return parseRequest(bytes);
  } catch {
    return null;
  }
}
