// The first steps of an attempt: a main server that answers, the servers it names, and what the device publishes (sections 4
// and 11.1, states Locating and Inspecting).

import { isNvrError } from '../../core/nvr-error.ts';
import { isPrivateIpv4, isUnicastIpv4 } from '../../net/ipv4.ts';
import type { Endpoint } from '../../net/net.ts';
import { orAborted } from '../../net/or-aborted.ts';
import type { AttemptContext } from './attempt.ts';
import { type DeviceFacts, noDeviceFacts, readDeviceFacts } from './device-facts.ts';
import { MAIN_PORT, signalTiming } from './dialect.ts';
import { dahuaError } from './failures.ts';
import { parseEndpoint } from './wire.ts';

/** Which addresses a cloud may send us to. */
export class AddressRule {
  readonly #allowsPrivate: boolean;

  /** @param allowsPrivate the user's own server is in a private network, and may name others there */
  constructor(allowsPrivate: boolean) {
    this.#allowsPrivate = allowsPrivate;
  }

  /** Of servers and agents. */
  isUsable({ address }: Endpoint): boolean {
    return isUnicastIpv4(address) && (this.#allowsPrivate || !isPrivateIpv4(address));
  }

  /** Of the device: it may be in our own network, but not be this machine. */
  isCandidate({ address }: Endpoint): boolean {
    return (
      isUnicastIpv4(address) && (this.#allowsPrivate || !(address.startsWith('127.') || address.startsWith('169.254.')))
    );
  }

  /** A server in an answer, if it may be used. */
  read(text: string | undefined): Endpoint | null {
    try {
      const endpoint = parseEndpoint(text ?? '');
      return endpoint && this.isUsable(endpoint) ? endpoint : null;
    } catch {
      return null;
    }
  }
}

/** Where everything is. */
export type Located = {
  readonly main: Endpoint;
  readonly rule: AddressRule;
  readonly userSide: Endpoint | null;
  readonly dispatcher: Endpoint | null;
  readonly facts: DeviceFacts;
};

/** @throws NvrError with the reasons of failures.ts, `cancelled`; NextProfile */
export async function locate(context: AttemptContext): Promise<Located> {
  const { settings, signal, onStep, profile, clock } = context;
  const main = await findMain(context);
  const rule = new AddressRule(settings.hasOwnServer && isPrivateIpv4(main.address));
  const path = `/online/p2psrv/${settings.serial}`;
  const { response } = await context.talk
    .ask(context.a, { asked: 'online/p2psrv', step: 'service', path, server: main }, signal)
    .catch((error) => {
      throw isNvrError(error, 'timeout') ? dahuaError('serviceSilent', 'service', profile.server) : error;
    });
  const userSide = rule.read(response?.body?.get('US'));
  onStep('service', { server: profile.server });
  const limit = new AbortController();
  const timer = clock.after(signalTiming.inspectMs, () => limit.abort());
  const both = AbortSignal.any([signal, limit.signal]);
  const [inspected, found] = await Promise.allSettled([
    userSide ? inspect(context, userSide, both) : noDeviceFacts,
    settings.relay === 'never' ? null : findRelay(context, main, rule, both),
  ]);
  timer.cancel();
  signal.throwIfAborted();
  const facts = inspected.status === 'fulfilled' ? inspected.value : noDeviceFacts;
  const dispatcher = found.status === 'fulfilled' ? found.value : null;
  onStep('device', { hasInfo: facts.salt !== null, hasRelay: dispatcher !== null });
  return { main, rule, userSide, dispatcher, facts };
}

/** The first address of the service that answers: some of those in the name server are mute (section 1.1). */
async function findMain({ net, profile, signal, talk, a }: AttemptContext): Promise<Endpoint> {
  const [host = '', port] = profile.server.split(':');
  const addresses = (await orAborted(net.resolveAll(host), signal)).slice(0, signalTiming.maxAddresses);
  for (const [n, address] of addresses.entries()) {
    const server = { address, port: port ? Number(port) : MAIN_PORT };
    const isLast = n === addresses.length - 1;
    const limits = isLast ? {} : { giveUpAtMs: signalTiming.nextAddressMs, sendAtMs: signalTiming.nextAddressAtMs };
    try {
      await talk.ask(a, { asked: 'probe/p2psrv', step: 'service', path: '/probe/p2psrv', server, ...limits }, signal);
      return server;
    } catch (error) {
      if (!isNvrError(error, 'timeout')) throw error;
    }
  }
  throw dahuaError('serviceSilent', 'service', profile.server);
}

/** Facts that help, and may be missing: everything here has a default. */
async function inspect(context: AttemptContext, server: Endpoint, signal: AbortSignal): Promise<DeviceFacts> {
  const { settings, talk, b } = context;
  const question = { asked: 'probe/device', step: 'device', path: `/probe/device/${settings.serial}`, server } as const;
  await talk.askLightly(b, question, signal);
  return askFacts(context, server, signal);
}

/** Asks again what the device publishes. @throws NvrError `cancelled` */
export async function askFacts(
  { settings, talk, b }: AttemptContext,
  server: Endpoint,
  signal: AbortSignal,
): Promise<DeviceFacts> {
  const question = { asked: 'info/device', step: 'device', path: `/info/device/${settings.serial}`, server } as const;
  return readDeviceFacts((await talk.askLightly(b, question, signal))?.body?.get('Info') ?? '');
}

async function findRelay(
  { talk, a }: AttemptContext,
  server: Endpoint,
  rule: AddressRule,
  signal: AbortSignal,
): Promise<Endpoint | null> {
  const question = { asked: 'online/relay', step: 'device', path: '/online/relay', server } as const;
  return rule.read((await talk.askLightly(a, question, signal))?.body?.get('Address'));
}
