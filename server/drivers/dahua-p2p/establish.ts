// One attempt to reach a device, from the first question to a proved PTCP session (sections 2.2, 4 and 11.1). Fresh sockets
// every time: a new session on an old port can meet stale state in the device.

import { randomBytes } from 'node:crypto';
import { isNvrError } from '../../core/nvr-error.ts';
import type { Endpoint } from '../../net/net.ts';
import type { AttemptContext, EstablishOptions } from './attempt.ts';
import { type Channel, openChannel } from './channel.ts';
import { Conversation, NextProfile } from './conversation.ts';
import { type CloudProfile, type Dialect, signalTiming } from './dialect.ts';
import { dahuaError } from './failures.ts';
import { Link } from './link.ts';
import { type Located, locate } from './locate.ts';
import { Puncher } from './puncher.ts';
import { type Allocation, allocate, joinRelay, unbind } from './relay.ts';
import { isSameEndpoint, SignalSocket } from './signal-socket.ts';
import { hasVideoService } from './video-service.ts';

const IDENTIFY_BYTES = 8;

/** A way to the device that works. */
export type Established = {
  readonly link: Link;
  readonly path: 'direct' | 'relay';
  readonly peer: Endpoint;
  readonly profile: string;
  readonly type: 0 | 1;
  /** How the direct way begins, or is to begin next time. */
  readonly dialect: Dialect;
  readonly rtspPort: number;
  readonly deviceVersion: string;
  /** Tells the dispatcher, from the socket that asked it, and closes the sockets. */
  readonly close: () => Promise<void>;
};

/** The direct way was there, but the device's video service was not: the device may want the sign dialect. */
class NeedsSign extends Error {}

/** @throws NvrError with the reasons of failures.ts; `cancelled` */
export async function establish(options: EstablishOptions): Promise<Established> {
  const { settings, learned } = options;
  const known = settings.profiles.find(({ name }) => name === learned?.profile);
  const profiles = known ? [known, ...settings.profiles.filter((each) => each !== known)] : settings.profiles;
  let last: unknown = null;
  for (const profile of profiles) {
    try {
      return await withProfile(options, profile);
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

async function withProfile(options: EstablishOptions, profile: CloudProfile): Promise<Established> {
  const { settings, learned, clock, signal } = options;
  const dialect = settings.dialect === 'auto' ? (learned?.dialect ?? 'plain') : settings.dialect;
  const beganMs = clock.monoMs();
  try {
    return await attempt(options, profile, dialect);
  } catch (error) {
    if (!(error instanceof NeedsSign)) throw error;
  }
  // Quick restarts make a device's answers disappear.
  await clock.sleep(Math.max(0, beganMs + signalTiming.attemptGapMs - clock.monoMs()), signal);
  return attempt(options, profile, 'sign');
}

async function attempt(options: EstablishOptions, profile: CloudProfile, dialect: Dialect): Promise<Established> {
  const { net, clock, onRequest, settings } = options;
  const hasCredentials = settings.credentials !== null && settings.deviceAuth !== 'off';
  const talk = new Conversation({ clock, profile, onRequest, hasCredentials });
  const a = await SignalSocket.open(net, clock);
  const b = await SignalSocket.open(net, clock).catch(async (error) => {
    await a.close();
    throw error;
  });
  return new Attempt({ ...options, profile, talk, a, b }, dialect).run();
}

class Attempt {
  readonly #context: AttemptContext;
  readonly #identify = new Uint8Array(randomBytes(IDENTIFY_BYTES));
  readonly #allocations: Allocation[] = [];
  #dialect: Dialect;
  #located!: Located;
  #channel!: Channel;

  constructor(context: AttemptContext, dialect: Dialect) {
    this.#context = context;
    this.#dialect = dialect;
  }

  async run(): Promise<Established> {
    try {
      return await this.#run();
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #run(): Promise<Established> {
    const { settings, learned, signal, clock, a, profile } = this.#context;
    const { relay, deviceAuth } = settings;
    this.#located = await locate(this.#context);
    const stop = new AbortController();
    const relaySignal = AbortSignal.any([signal, stop.signal]);
    // Allocated while the device is asked; it is needed at once when there is no direct way, or a sign is wanted.
    const early =
      relay === 'never' || !this.#located.dispatcher
        ? Promise.resolve(null)
        : this.#allocate(relaySignal).catch(() => null);
    try {
      const puncher = new Puncher({ clock, identify: this.#identify, send: (bytes, to) => a.send(bytes, to) });
      a.onStun = (bytes, from) => puncher.receive(bytes, from);
      const firstType = deviceAuth === 'on' || (deviceAuth === 'auto' && learned?.type === 1) ? 1 : 0;
      this.#channel = await openChannel(this.#context, this.#located, this.#identify, firstType);
      const found = await this.#anyWay(puncher, early);
      if (!found) throw dahuaError('noPath', relay === 'never' ? 'direct' : 'relay', profile.server);
      return found;
    } finally {
      stop.abort();
    }
  }

  async #anyWay(puncher: Puncher, early: Promise<Allocation | null>): Promise<Established | null> {
    const { relay } = this.#context.settings;
    if (relay === 'always') return this.#relay(early);
    if (this.#dialect === 'plain') return (await this.#direct(puncher)) ?? this.#relay(early);
    const signed = await this.#signed(puncher, early);
    if (signed || relay === 'never') return signed;
    // A relay session that gave a sign is paused for good: another one is needed.
    return this.#relay(Promise.resolve(null));
  }

  /** The dialect that most devices speak: binds at once. */
  async #direct(puncher: Puncher): Promise<Established | null> {
    const { settings, onStep } = this.#context;
    const peer = await this.#punch(puncher);
    const link = peer && (await this.#connect(this.#context.a, peer, () => puncher.ping(peer)));
    if (!link) return null;
    onStep('direct', {});
    const proved = await this.#prove(link, peer, 'direct');
    if (proved) return proved;
    if (settings.relay === 'never') throw this.#noVideo();
    if (settings.dialect === 'auto' && this.#located.dispatcher) throw new NeedsSign();
    return null;
  }

  /** The other one: a sign is got from the device over the relay and presented on the direct way (section 9.4). */
  async #signed(puncher: Puncher, early: Promise<Allocation | null>): Promise<Established | null> {
    const { signal, a, b } = this.#context;
    const allocation = await early;
    if (!allocation || !(await this.#join(allocation))) return null;
    const relayed = await this.#connect(b, allocation.agent, () => {});
    if (!relayed) return null;
    let direct: Link | null = null;
    try {
      const sign = await relayed.requestSign(signalTiming.signStepMs);
      const peer = await this.#punch(puncher);
      direct = peer && (await this.#connect(a, peer, () => puncher.ping(peer)));
      if (!direct) return null;
      await direct.presentSign(sign, signalTiming.signStepMs);
      const proved = await this.#prove(direct, peer!, 'direct');
      if (proved) return proved;
    } catch (error) {
      signal.throwIfAborted();
      if (!isNvrError(error, 'timeout')) throw error;
    } finally {
      await relayed.close(0);
    }
    await direct?.close(0);
    // It led nowhere: the next attempt begins with the other dialect again.
    this.#dialect = 'plain';
    return null;
  }

  async #punch(puncher: Puncher): Promise<Endpoint | null> {
    const { info, type } = this.#channel;
    const all = [info.pubAddr, info.portMapAddr, ...info.localCandidates].filter((each) => each !== null);
    const candidates = all.filter(
      (each, n) => this.#located.rule.isCandidate(each) && all.findIndex((other) => isSameEndpoint(each, other)) === n,
    );
    if (candidates.length === 0) return null;
    return puncher.run({ candidates, deviceIdentify: info.identify, type }, this.#context.signal);
  }

  async #relay(early: Promise<Allocation | null>): Promise<Established | null> {
    const { signal, settings, onStep, clock, b } = this.#context;
    if (settings.relay === 'never' || !this.#located.dispatcher) return null;
    let allocation = await early;
    for (let n = 0; n < signalTiming.maxAllocations; n++) {
      const isStale = !allocation || clock.monoMs() - allocation.atMs > signalTiming.allocationFreshMs;
      if (isStale) allocation = await this.#allocate(signal).catch(this.#nullUnlessAborted);
      if (!allocation) continue;
      onStep('relay', {});
      const isJoined = await this.#join(allocation);
      const link = isJoined ? await this.#connect(b, allocation.agent, () => {}) : null;
      if (link) {
        const proved = await this.#prove(link, allocation.agent, 'relay');
        if (!proved) throw this.#noVideo();
        return proved;
      }
      // Never the same token again (section 10.1).
      allocation = null;
    }
    return null;
  }

  async #join({ agent }: Allocation): Promise<boolean> {
    const { settings, talk, b, signal } = this.#context;
    const question = { serial: settings.serial, main: this.#located.main, agent, auth: this.#channel.login };
    return (await joinRelay(talk, b, question, signal).catch(this.#nullUnlessAborted)) ?? false;
  }

  #allocate(signal: AbortSignal): Promise<Allocation> {
    const { clock, talk, b } = this.#context;
    const options = {
      dispatcher: this.#located.dispatcher!,
      isUsable: (endpoint: Endpoint) => this.#located.rule.isUsable(endpoint),
      onToken: (each: Allocation) => this.#allocations.push(each),
      clock,
    };
    return allocate(talk, b, options, signal);
  }

  /** A PTCP session, or `null` when the peer does not answer the SYN. @throws NvrError `cancelled` */
  async #connect(socket: SignalSocket, peer: Endpoint, onSuspect: () => void): Promise<Link | null> {
    const { clock, signal } = this.#context;
    const link = new Link({ clock, send: (bytes) => socket.send(bytes, peer), onSuspect });
    socket.onPtcp = (bytes, from) => {
      if (isSameEndpoint(from, peer)) link.receive(bytes);
    };
    const onAbort = () => void link.close(0);
    signal.addEventListener('abort', onAbort, { once: true });
    void link.ended.then(() => signal.removeEventListener('abort', onAbort));
    try {
      await link.connect();
      return link;
    } catch {
      await link.close(0);
      signal.throwIfAborted();
      return null;
    }
  }

  /** A session is good when the device's video service answered through it; otherwise it is closed. */
  async #prove(link: Link, peer: Endpoint, path: 'direct' | 'relay'): Promise<Established | null> {
    const { clock, signal, onStep, profile } = this.#context;
    const { rtspPort } = this.#located.facts;
    const limitMs = path === 'direct' ? signalTiming.verifyDirectMs : signalTiming.verifyRelayMs;
    if (!(await hasVideoService(link, rtspPort, clock, limitMs)) || link.isEnded) {
      await link.close(signalTiming.unbindMs);
      signal.throwIfAborted();
      return null;
    }
    onStep('verify', { path });
    const kept = path === 'relay' ? this.#allocations.find(({ agent }) => isSameEndpoint(agent, peer)) : undefined;
    const unused = this.#allocations.filter((each) => each !== kept);
    for (const each of unused) void this.#unbind(each);
    const { type, info } = this.#channel;
    return {
      ...{ link, path, peer, type, dialect: this.#dialect, rtspPort },
      deviceVersion: info.version,
      profile: profile.name,
      close: () => this.#close(),
    };
  }

  #noVideo() {
    return dahuaError('noRtsp', 'verify', this.#context.profile.server);
  }

  async #unbind(allocation: Allocation): Promise<void> {
    const at = this.#allocations.indexOf(allocation);
    if (at < 0) return;
    this.#allocations.splice(at, 1);
    const { talk, b, clock } = this.#context;
    await unbind(talk, b, this.#located.dispatcher!, allocation, clock);
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#allocations].map((allocation) => this.#unbind(allocation)));
    await Promise.all([this.#context.a.close(), this.#context.b.close()]);
  }

  #nullUnlessAborted = (error: unknown): null => {
    if (this.#context.signal.aborted || error instanceof NextProfile) throw error;
    if (isNvrError(error) && error.code === 'refused') throw error;
    return null;
  };
}
