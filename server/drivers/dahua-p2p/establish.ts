// One attempt to reach a device, from the first question to a proved PTCP session (sections 2.2, 4 and 11.1). Fresh sockets
// every time: a new session on an old port can meet stale state in the device.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { isNvrError } from '../../core/nvr-error.ts';
import { isPrivateIpv4, isUnicastIpv4 } from '../../net/ipv4.ts';
import type { Endpoint, Net } from '../../net/net.ts';
import { Conversation, NextProfile } from './conversation.ts';
import { type NatInfo, readNatInfo } from './decide.ts';
import { readDeviceFacts } from './device-facts.ts';
import { type CloudProfile, choices, DEFAULT_RTSP_PORT, MAIN_PORT, signalTiming } from './dialect.ts';
import { type DahuaStep, dahuaError } from './failures.ts';
import { Link } from './link.ts';
import { Puncher } from './puncher.ts';
import { type Allocation, allocate, joinRelay, unbind } from './relay.ts';
import type { DahuaSettings } from './settings.ts';
import { isSameEndpoint, SignalSocket } from './signal-socket.ts';
import { hasVideoService } from './video-service.ts';
import {
  channelBody0,
  channelBody1,
  complementAddresses,
  DEFAULT_RANDSALT,
  type DeviceLogin,
  deviceKey,
  formatIdentify,
  parseEndpoint,
} from './wire.ts';

const IDENTIFY_BYTES = 8;

/** What was learned about a device and is worth keeping. */
export type Learned = { readonly profile: string; readonly type: 0 | 1 };

/** What an attempt needs. */
export type EstablishOptions = {
  readonly net: Net;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly settings: DahuaSettings;
  readonly learned: Learned | null;
  /** How far it is, for the log. */
  readonly onStep: (step: DahuaStep, facts: object) => void;
  readonly onRequest: () => void;
};

/** A way to the device that works. */
export type Established = {
  readonly link: Link;
  readonly path: 'direct' | 'relay';
  readonly peer: Endpoint;
  readonly profile: string;
  readonly type: 0 | 1;
  readonly rtspPort: number;
  readonly deviceVersion: string;
  /** Tells the dispatcher, from the socket that asked it, and closes the sockets. */
  readonly close: () => Promise<void>;
};

/** @throws NvrError with the reasons of failures.ts; `cancelled` */
export async function establish(options: EstablishOptions): Promise<Established> {
  const { settings, learned } = options;
  const known = settings.profiles.find(({ name }) => name === learned?.profile);
  const profiles = known ? [known, ...settings.profiles.filter((each) => each !== known)] : settings.profiles;
  let last: unknown = null;
  for (const profile of profiles) {
    try {
      return await new Attempt(options, profile).run();
    } catch (error) {
      last = error;
      // A device may hear only the questions of the other app: silence after the channel request is no verdict yet.
      const isWorthAnother = error instanceof NextProfile || (isNvrError(error) && error.context.reason === 'offline');
      if (!isWorthAnother) throw error;
    }
  }
  if (!(last instanceof NextProfile)) throw last;
  const server = profiles[0]?.server ?? '';
  throw dahuaError(last.message === 'FAIL_CLIENT_AUTH' ? 'serviceRefuses' : 'unknownSerial', 'service', server);
}

class Attempt {
  readonly #options: EstablishOptions;
  readonly #profile: CloudProfile;
  readonly #talk: Conversation;
  readonly #identify = new Uint8Array(randomBytes(IDENTIFY_BYTES));
  #main!: Endpoint;
  /** Signalling, STUN, direct PTCP. */
  #a!: SignalSocket;
  /** User side, dispatcher, agent, relayed PTCP. */
  #b!: SignalSocket;
  #allowPrivate = false;
  #salt: string | null = null;
  #rtspPort = DEFAULT_RTSP_PORT;
  #dispatcher: Endpoint | null = null;
  #type: 0 | 1 = 0;
  readonly #allocations: Allocation[] = [];

  constructor(options: EstablishOptions, profile: CloudProfile) {
    this.#options = options;
    this.#profile = profile;
    const { clock, onRequest, settings } = options;
    this.#talk = new Conversation({
      clock,
      profile,
      onRequest,
      hasCredentials: settings.credentials !== null && settings.deviceAuth !== 'off',
    });
  }

  async run(): Promise<Established> {
    const { net, clock } = this.#options;
    this.#a = await SignalSocket.open(net, clock);
    this.#b = await SignalSocket.open(net, clock).catch(async (error) => {
      await this.#a.close();
      throw error;
    });
    try {
      return await this.#run();
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #run(): Promise<Established> {
    const { settings, learned, signal } = this.#options;
    await this.#locate();
    const { relay, deviceAuth } = settings;
    const stop = new AbortController();
    const relaySignal = AbortSignal.any([signal, stop.signal]);
    // Allocated while the device is asked; it is needed at once when there is no direct way.
    const early =
      relay === 'never' || !this.#dispatcher ? Promise.resolve(null) : this.#allocate(relaySignal).catch(() => null);
    try {
      this.#type = deviceAuth === 'on' || (deviceAuth === 'auto' && learned?.type === 1) ? 1 : 0;
      const puncher = new Puncher({
        clock: this.#options.clock,
        identify: this.#identify,
        send: (bytes, to) => this.#a.send(bytes, to),
      });
      this.#a.onStun = (bytes, from) => puncher.receive(bytes, from);
      const info = await this.#channel();
      const direct = relay === 'always' ? null : await this.#direct(puncher, info);
      const found = direct ?? (await this.#relay(early, info));
      if (!found) throw dahuaError('noPath', relay === 'never' ? 'direct' : 'relay', this.#profile.server);
      return found;
    } finally {
      stop.abort();
    }
  }

  async #locate(): Promise<void> {
    const { net, settings, signal, onStep } = this.#options;
    const { serial } = settings;
    const { server } = this.#profile;
    const [host = '', port] = server.split(':');
    const address = await net.resolve(host);
    this.#main = { address, port: port ? Number(port) : MAIN_PORT };
    this.#allowPrivate = settings.hasOwnServer && isPrivateIpv4(address);
    const silent = (error: unknown) => {
      throw isNvrError(error, 'timeout') ? dahuaError('serviceSilent', 'service', server) : error;
    };
    const ask = (asked: 'probe/p2psrv' | 'online/p2psrv', path: string) =>
      this.#talk.ask(this.#a, { asked, step: 'service', path, server: this.#main }, signal).catch(silent);
    await ask('probe/p2psrv', '/probe/p2psrv');
    const { response } = await ask('online/p2psrv', `/online/p2psrv/${serial}`);
    const us = this.#usable(response?.body?.get('US'));
    onStep('service', { server });
    const limit = new AbortController();
    const timer = this.#options.clock.after(signalTiming.inspectMs, () => limit.abort());
    const both = AbortSignal.any([signal, limit.signal]);
    await Promise.allSettled([
      us ? this.#inspect(us, both) : null,
      settings.relay === 'never' ? null : this.#findRelay(both),
    ]);
    timer.cancel();
    signal.throwIfAborted();
    onStep('device', { hasInfo: this.#salt !== null, hasRelay: this.#dispatcher !== null });
  }

  /** Facts that help, and may be missing: everything here has a default. */
  async #inspect(us: Endpoint, signal: AbortSignal): Promise<void> {
    const { serial } = this.#options.settings;
    const ask = (asked: 'probe/device' | 'info/device') =>
      this.#talk.askLightly(this.#b, { asked, step: 'device', path: `/${asked}/${serial}`, server: us }, signal);
    await ask('probe/device');
    const facts = readDeviceFacts((await ask('info/device'))?.body?.get('Info') ?? '');
    this.#salt = facts.salt;
    this.#rtspPort = facts.rtspPort;
  }

  async #findRelay(signal: AbortSignal): Promise<void> {
    const question = { asked: 'online/relay', step: 'device', path: '/online/relay', server: this.#main } as const;
    this.#dispatcher = this.#usable((await this.#talk.askLightly(this.#a, question, signal))?.body?.get('Address'));
  }

  #login(salt: string): DeviceLogin {
    const { username = '', password = '' } = this.#options.settings.credentials ?? {};
    return { username, password, randSalt: salt };
  }

  /** Salts to try: the configured or published one; without one, the vendor's default and then none. */
  #salts(): string[] {
    const own = this.#options.settings.randSalt ?? this.#salt;
    return own === null ? [DEFAULT_RANDSALT, ''] : [own];
  }

  async #channel(): Promise<NatInfo> {
    const { settings, signal, net, onStep } = this.#options;
    const { serial, version } = settings;
    const local = `${await net.localAddressFor(this.#main.address)}:${this.#a.port}`;
    const identify = formatIdentify(this.#identify, false);
    let salts = this.#salts();
    let isRefreshed = false;
    for (;;) {
      const type = this.#type;
      const login = this.#login(salts[0] ?? '');
      const shown = choices.ipEncrypt === 'complement' ? complementAddresses(local) : local;
      const asked = await this.#talk
        .ask(
          this.#a,
          {
            ...{
              asked: 'p2p-channel',
              step: 'channel',
              path: `/device/${serial}/p2p-channel`,
              server: this.#main,
              type,
            },
            body: (freshness) =>
              type === 1
                ? channelBody1(identify, local, login, freshness, version)
                : channelBody0(identify, shown, choices.ipEncrypt, version),
          },
          signal,
        )
        .catch((error) => {
          throw isNvrError(error, 'timeout') ? dahuaError('offline', 'channel', this.#profile.server) : error;
        });
      if (asked.action === 'SWITCH_TO_TYPE_1') {
        this.#type = 1;
        continue;
      }
      if (asked.action === 'REFRESH_SALT_AND_RETRY') {
        // The salt may have changed since it was read; without a published one, the next guess.
        if (salts.length > 1) salts = salts.slice(1);
        else if (isRefreshed) throw dahuaError('wrongPassword', 'channel', this.#profile.server, 'salt');
        isRefreshed = true;
        continue;
      }
      if (asked.action !== 'DONE' || !asked.response) throw dahuaError('answer', 'channel', this.#profile.server);
      this.#saltInUse = login.randSalt;
      const key = type === 1 ? deviceKey(login.username, login.password, login.randSalt) : null;
      const info = await readNatInfo(asked.response.body ?? new Map(), key);
      onStep('channel', { type, version: info.version });
      return info;
    }
  }
  #saltInUse = '';

  async #direct(puncher: Puncher, info: NatInfo): Promise<Established | null> {
    const { signal, onStep } = this.#options;
    const all = [info.pubAddr, info.portMapAddr, ...info.localCandidates].filter((each) => each !== null);
    const candidates = all.filter(
      (each, n) => this.#isCandidate(each) && all.findIndex((other) => isSameEndpoint(each, other)) === n,
    );
    if (candidates.length === 0) return null;
    const peer = await puncher.run({ candidates, deviceIdentify: info.identify, type: this.#type }, signal);
    if (!peer) return null;
    onStep('direct', {});
    return this.#prove(this.#a, peer, 'direct', info, () => puncher.ping(peer));
  }

  async #relay(early: Promise<Allocation | null>, info: NatInfo): Promise<Established | null> {
    const { signal, settings, onStep, clock } = this.#options;
    if (settings.relay === 'never' || !this.#dispatcher) return null;
    let allocation = await early;
    for (let n = 0; n < signalTiming.maxAllocations; n++) {
      const isStale = !allocation || clock.monoMs() - allocation.atMs > signalTiming.allocationFreshMs;
      if (isStale) allocation = await this.#allocate(signal).catch(this.#nullUnlessAborted);
      if (!allocation) continue;
      onStep('relay', {});
      const found = await this.#tryRelay(allocation, info);
      if (found) return found;
      // Never the same token again (section 10.1).
      allocation = null;
    }
    return null;
  }

  async #tryRelay(allocation: Allocation, info: NatInfo): Promise<Established | null> {
    const auth = this.#type === 1 ? this.#login(this.#saltInUse) : null;
    const { serial } = this.#options.settings;
    const question = { serial, main: this.#main, agent: allocation.agent, auth };
    const isJoined = await joinRelay(this.#talk, this.#b, question, this.#options.signal).catch(
      this.#nullUnlessAborted,
    );
    return isJoined ? this.#prove(this.#b, allocation.agent, 'relay', info, () => {}) : null;
  }

  async #allocate(signal: AbortSignal): Promise<Allocation> {
    const { clock } = this.#options;
    const allocation = await allocate(
      this.#talk,
      this.#b,
      {
        dispatcher: this.#dispatcher!,
        isUsable: (endpoint) => this.#isUsable(endpoint),
        onToken: (each) => this.#allocations.push(each),
        clock,
      },
      signal,
    );
    return allocation;
  }

  /** A session is good when the device's video service answered through it. */
  async #prove(
    socket: SignalSocket,
    peer: Endpoint,
    path: 'direct' | 'relay',
    info: NatInfo,
    onSuspect: () => void,
  ): Promise<Established | null> {
    const { clock, signal, onStep } = this.#options;
    const link = new Link({ clock, send: (bytes) => socket.send(bytes, peer), onSuspect });
    socket.onPtcp = (bytes, from) => {
      if (isSameEndpoint(from, peer)) link.receive(bytes);
    };
    const onAbort = () => void link.close(0);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await link.connect();
      const limitMs = path === 'direct' ? signalTiming.verifyDirectMs : signalTiming.verifyRelayMs;
      if (!(await hasVideoService(link, this.#rtspPort, clock, limitMs)))
        throw dahuaError('noRtsp', 'verify', this.#profile.server);
    } catch (error) {
      await link.close(0);
      signal.throwIfAborted();
      if (path === 'direct' && this.#options.settings.relay !== 'never') return null;
      if (isNvrError(error, 'timeout')) return null;
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    onStep('verify', { path });
    const kept = path === 'relay' ? this.#allocations.find(({ agent }) => isSameEndpoint(agent, peer)) : undefined;
    const unused = this.#allocations.filter((each) => each !== kept);
    for (const each of unused) void this.#unbind(each);
    return {
      ...{ link, path, peer, type: this.#type, rtspPort: this.#rtspPort, deviceVersion: info.version },
      profile: this.#profile.name,
      close: () => this.#close(),
    };
  }

  async #unbind(allocation: Allocation): Promise<void> {
    const at = this.#allocations.indexOf(allocation);
    if (at < 0) return;
    this.#allocations.splice(at, 1);
    await unbind(this.#talk, this.#b, this.#dispatcher!, allocation, this.#options.clock);
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#allocations].map((allocation) => this.#unbind(allocation)));
    await Promise.all([this.#a.close(), this.#b.close()]);
  }

  #nullUnlessAborted = (error: unknown): null => {
    if (this.#options.signal.aborted || error instanceof NextProfile) throw error;
    if (isNvrError(error) && error.code === 'refused') throw error;
    return null;
  };

  /** A server that the cloud names; private ones only when the user's own server names them. */
  #usable(text: string | undefined): Endpoint | null {
    try {
      const endpoint = parseEndpoint(text ?? '');
      return endpoint && this.#isUsable(endpoint) ? endpoint : null;
    } catch {
      return null;
    }
  }

  #isUsable({ address }: Endpoint): boolean {
    return isUnicastIpv4(address) && (this.#allowPrivate || !isPrivateIpv4(address));
  }

  /** The device itself may be in our own network, but not be this machine. */
  #isCandidate({ address }: Endpoint): boolean {
    return (
      isUnicastIpv4(address) && (this.#allowPrivate || !(address.startsWith('127.') || address.startsWith('169.254.')))
    );
  }
}
