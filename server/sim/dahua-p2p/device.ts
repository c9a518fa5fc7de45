// The simulated device: the password check of its signalling, hole punching, and one PTCP session per peer (sections 5, 7).

import type { Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import {
  addressKey,
  type Body,
  classifyDatagram,
  complementAddresses,
  decryptAddress,
  devAuth,
  deviceKey,
  encodeBody,
  encodeResponse,
  encodeStun,
  encryptAddress,
  endpointText,
  formatIdentify,
  parseCandidates,
  parseIdentify,
  parseStun,
  STUN_COOKIE,
} from '../../drivers/dahua-p2p/wire.ts';
import type { Endpoint, Net, UdpSocket } from '../../net/net.ts';
import { DeviceSession } from './device-session.ts';
import type { DahuaFaults, DahuaSimulatorOptions, DahuaStats } from './options.ts';

const PUNCH_EVERY_MS = 500;
const PUNCH_TIMES = 20;
const CREATE_DATE_WINDOW_S = 300;
const MAX_PORTS = 16;
const VERSION = '6.3.0';

/** An answer to a request that the cloud forwarded; `null`: silence. */
export type DeviceAnswer = { readonly code: number; readonly reason: string; readonly body: string } | null;

type Port = {
  socket: UdpSocket;
  sessions: Map<string, DeviceSession>;
  timers: Set<Timer>;
  clientIdentify: Uint8Array | null;
};

/** See the head of this file. */
export class Device {
  isPresent = true;
  readonly identify: Uint8Array;
  readonly #options: DahuaSimulatorOptions;
  readonly #faults: DahuaFaults;
  readonly #stats: DahuaStats;
  readonly #net: Net;
  readonly #host: string;
  readonly #random: Random;
  /** One per attempt of a client. */
  readonly #ports = new Map<string, Port>();
  readonly #nonces = new Set<string>();
  readonly #signs = new Set<string>();

  constructor(options: DahuaSimulatorOptions, faults: DahuaFaults, stats: DahuaStats, random: Random) {
    this.#options = options;
    this.#faults = faults;
    this.#stats = stats;
    this.#random = random;
    this.#net = options.deviceNet ?? options.net;
    this.#host = options.deviceHost ?? options.host;
    this.identify = Uint8Array.from({ length: 8 }, () => random() * 256);
  }

  /** Realms of all sessions. */
  get realms(): number {
    return [...this.#ports.values()]
      .flatMap(({ sessions }) => [...sessions.values()])
      .reduce((n, each) => n + each.realms, 0);
  }

  /** Forgets every session, as a reboot or a pulled plug does. */
  async vanish(): Promise<void> {
    this.isPresent = false;
    await this.#closePorts();
  }

  async #closePorts(): Promise<void> {
    const ports = [...this.#ports.values()];
    this.#ports.clear();
    for (const port of ports) {
      for (const session of port.sessions.values()) session.close();
      for (const timer of port.timers) timer.cancel();
      await port.socket.close();
    }
  }

  async stop(): Promise<void> {
    await this.vanish();
  }

  /** `p2p-channel` as the cloud forwards it. */
  async onChannel(body: Body | null, client: Endpoint, cseq: number): Promise<DeviceAnswer> {
    if (!this.isPresent || !body) return null;
    const refusal = this.#check(body, true);
    if (refusal !== null) return refusal;
    const isType1 = body.get('IpEncrptV2') === 'true';
    const key = this.#key();
    const isRepeat = this.#ports.has(`direct ${endpointText(client)} ${cseq}`);
    const { maxSessions } = this.#options;
    if (maxSessions !== undefined && !isRepeat && this.#live() >= maxSessions) return null;
    const port = await this.#port(`direct ${endpointText(client)} ${cseq}`, 'direct');
    const candidates = [client, ...(await this.#clientCandidates(body, isType1 ? key : null))];
    port.clientIdentify = parseIdentify(body.get('Identify') ?? '');
    if (!isRepeat) this.#punch(port, candidates, PUNCH_TIMES);
    const own = `${this.#host}:${port.socket.local.port}`;
    const nonce = Math.floor(this.#random() * 2 ** 31);
    const local = isType1
      ? ([
          ['IpEncrptV2', 'true'],
          ['LocalAddr', encryptAddress(await addressKey(key, nonce), own)],
          ['Nonce', String(nonce)],
        ] as const)
      : ([
          ['IpEncrpt', 'false'],
          ['LocalAddr', own],
        ] as const);
    const fields = [
      ['Identify', formatIdentify(this.identify, false)],
      ...local,
      ['NatValueT', '0'],
      ['Policy', 'p2p,udprelay'],
      ['PubAddr', own],
      ['Relay', ':0'],
      ['version', VERSION],
    ] as const;
    return { code: 200, reason: 'Server Nat Info!', body: encodeBody(fields) };
  }

  /** `relay-channel` as the cloud forwards it; what it answers goes to the agent. A refusal goes back. */
  async onRelayChannel(body: Body | null, cseq: number): Promise<DeviceAnswer> {
    if (!this.isPresent || !body) return null;
    const refusal = this.#check(body, false);
    if (refusal !== null) return refusal;
    const [agent] = parseCandidates(body.get('agentAddr') ?? '', false);
    if (!agent) return null;
    const port = await this.#port(`relay ${endpointText(agent)}`, 'relay');
    const { clock } = this.#options;
    const confirm = () => {
      const text = encodeBody([['version', VERSION]]);
      port.socket.send(encodeResponse(200, 'Server Nat Info!', [['CSeq', String(cseq)]], text), agent);
    };
    for (let n = 0; n < this.#faults.confirmTimes; n++) {
      const timer = clock.after(this.#faults.confirmAfterMs * (n + 1), () => {
        port.timers.delete(timer);
        confirm();
      });
      port.timers.add(timer);
    }
    return null;
  }

  #live(): number {
    return [...this.#ports.values()].reduce((sum, { sessions }) => sum + sessions.size, 0);
  }

  #key(): string {
    const { username = 'admin', password = 'secret', randSalt = '' } = this.#options;
    return deviceKey(username, password, randSalt);
  }

  #check(body: Body, hasAddress: boolean): DeviceAnswer {
    const refuse = (code: number, error: string): DeviceAnswer => {
      this.#stats.rejected[error] = (this.#stats.rejected[error] ?? 0) + 1;
      const fields = [
        ['ErrCode', String(code)],
        ['Error', error],
        ['Policy', 'p2p,udprelay'],
      ] as const;
      return { code: 403, reason: 'Forbidden', body: encodeBody(fields) };
    };
    const auth = body.get('DevAuth');
    if (auth === undefined) return this.#options.auth === 'required' ? refuse(4, 'DevPwd_InvalidSalt') : null;
    const { randSalt = '', username = 'admin', clock } = this.#options;
    if ((body.get('RandSalt') ?? '') !== randSalt) return refuse(4, 'DevPwd_InvalidSalt');
    const nonce = body.get('Nonce') ?? '';
    const isForced = !hasAddress && this.#faults.invalidNonces > 0;
    if (isForced) this.#faults.invalidNonces--;
    if (isForced || this.#nonces.has(nonce)) return refuse(6, 'DevPwd_InvalidNonce');
    this.#nonces.add(nonce);
    const createDate = Number(body.get('CreateDate'));
    const age = Math.abs(createDate - (clock.wallMs() / 1000 + this.#faults.clockOffsetSeconds));
    const payload = hasAddress ? (body.get('LocalAddr') ?? '') : '';
    const isRight =
      auth === devAuth(this.#key(), Number(nonce), createDate, payload) && body.get('UserName') === username;
    return isRight && age <= CREATE_DATE_WINDOW_S ? null : refuse(5, 'DevPwd_InvalidDigest');
  }

  async #clientCandidates(body: Body, key: string | null): Promise<Endpoint[]> {
    const local = body.get('LocalAddr') ?? '';
    if (key === null)
      return parseCandidates(body.get('IpEncrpt') === 'true' ? complementAddresses(local) : local, false);
    return parseCandidates(decryptAddress(await addressKey(key, Number(body.get('Nonce'))), local), false);
  }

  async #port(name: string, path: 'direct' | 'relay'): Promise<Port> {
    const found = this.#ports.get(name);
    if (found) return found;
    if (this.#ports.size >= MAX_PORTS) {
      const [oldest = '', port] = [...this.#ports][0]!;
      this.#ports.delete(oldest);
      for (const session of port!.sessions.values()) session.close();
      for (const timer of port!.timers) timer.cancel();
      await port!.socket.close();
    }
    const socket = await this.#net.openUdp({ address: this.#host, receiveBufferBytes: 4 << 20 });
    const port: Port = { socket, sessions: new Map(), timers: new Set(), clientIdentify: null };
    const again = this.#ports.get(name);
    if (again) {
      await socket.close();
      return again;
    }
    this.#ports.set(name, port);
    socket.onDatagram((bytes, from) => this.#receive(port, path, bytes, from));
    return port;
  }

  #receive(port: Port, path: 'direct' | 'relay', bytes: Uint8Array, from: Endpoint): void {
    if (!this.isPresent || (path === 'direct' && this.#faults.isDirectBlocked)) return;
    const kind = classifyDatagram(bytes);
    if (kind === 'stun-inverted') this.#receiveStun(port, bytes, from);
    if (kind !== 'ptcp') return;
    const name = endpointText(from);
    let session = port.sessions.get(name);
    if (!session) {
      session = new DeviceSession({
        clock: this.#options.clock,
        net: this.#net,
        options: this.#options,
        faults: this.#faults,
        stats: this.#stats,
        path,
        signs: this.#signs,
        send: (datagram) => {
          if (this.isPresent && !(path === 'direct' && this.#faults.isDirectBlocked)) port.socket.send(datagram, from);
        },
      });
      port.sessions.set(name, session);
    }
    session.receive(bytes);
  }

  #receiveStun(port: Port, bytes: Uint8Array, from: Endpoint): void {
    const message = parseStun(bytes);
    this.#stats.stunRequests++;
    const answer = {
      cls: 'success',
      cookie: STUN_COOKIE,
      id: message.id,
      role: 'controlled',
      identify: this.identify,
    } as const;
    if (message.cls === 'request') port.socket.send(encodeStun({ ...answer, address: from }), from);
    if (message.cls !== 'success' || !message.address) return;
    for (let n = 0; n < this.#faults.stunConfirmations; n++)
      port.socket.send(encodeStun({ ...answer, address: null }), from);
  }

  #punch(port: Port, candidates: readonly Endpoint[], left: number): void {
    if (left === 0 || port.sessions.size > 0) return;
    const id = Uint8Array.from({ length: 12 }, () => this.#random() * 256);
    for (const address of candidates) {
      if (this.#faults.isDirectBlocked || !this.isPresent) continue;
      const request = {
        cls: 'request',
        cookie: STUN_COOKIE,
        id,
        role: 'controlling',
        identify: this.identify,
        address,
      } as const;
      port.socket.send(encodeStun(request), address);
    }
    const timer = this.#options.clock.after(PUNCH_EVERY_MS, () => {
      port.timers.delete(timer);
      this.#punch(port, candidates, left - 1);
    });
    port.timers.add(timer);
  }
}
