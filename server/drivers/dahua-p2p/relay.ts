// The relay: an agent from the dispatcher, and the device joining it (sections 4 and 10.1).

import type { Clock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Endpoint } from '../../net/net.ts';
import type { Conversation } from './conversation.ts';
import { signalTiming } from './dialect.ts';
import type { SignalSocket } from './signal-socket.ts';
import { type DeviceLogin, endpointText, parseEndpoint, relayChannelBody, relayStartBody } from './wire.ts';

const TOKEN = /^[0-9A-Za-z-]{1,128}$/;

/** A lent forwarder. */
export type Allocation = { readonly agent: Endpoint; readonly token: string; readonly atMs: number };

const noAgent = () => new NvrError('unavailable', 'The relay gave nothing that can be used');

/**
 * Asks for an agent and shows it our address.
 * @throws NvrError `timeout` (dispatcher or agent silent), `unavailable`, `cancelled`
 */
export async function allocate(
  talk: Conversation,
  socket: SignalSocket,
  options: {
    readonly dispatcher: Endpoint;
    readonly isUsable: (endpoint: Endpoint) => boolean;
    /** Called as soon as there is something to give back. */
    readonly onToken: (allocation: Allocation) => void;
    readonly clock: Clock;
  },
  signal: AbortSignal,
): Promise<Allocation> {
  const question = { asked: 'relay/agent', step: 'relay', path: '/relay/agent', server: options.dispatcher } as const;
  const { response } = await talk.ask(socket, question, signal);
  const token = response?.body?.get('Token') ?? '';
  const agent = readAgent(response?.body?.get('Agent') ?? '');
  if (!agent || !options.isUsable(agent) || !TOKEN.test(token)) throw noAgent();
  const allocation = { agent, token, atMs: options.clock.monoMs() };
  options.onToken(allocation);
  const start = { asked: 'relay/start', step: 'relay', path: `/relay/start/${token}`, server: agent } as const;
  const { action } = await talk.ask(socket, { ...start, body: () => relayStartBody() }, signal);
  if (action !== 'DONE') throw noAgent();
  return allocation;
}

function readAgent(text: string): Endpoint | null {
  try {
    return parseEndpoint(text);
  } catch {
    return null;
  }
}

/**
 * Tells the device to join the agent, until its confirmation comes from there.
 * @returns whether it came
 * @throws NvrError `timeout`, `refused`, `cancelled`
 */
export async function joinRelay(
  talk: Conversation,
  socket: SignalSocket,
  { serial, main, agent, auth }: { serial: string; main: Endpoint; agent: Endpoint; auth: DeviceLogin | null },
  signal: AbortSignal,
): Promise<boolean> {
  const { action } = await talk.ask(
    socket,
    {
      ...{
        asked: 'relay-channel',
        step: 'relay',
        path: `/device/${serial}/relay-channel`,
        server: main,
        alsoFrom: agent,
      },
      type: auth ? 1 : 0,
      body: (freshness) => relayChannelBody(endpointText(agent), auth ? { login: auth, freshness } : undefined),
      sendAtMs: signalTiming.relayChannelAtMs,
      giveUpAtMs: signalTiming.relayChannelTotalMs,
    },
    signal,
  );
  return action === 'DONE';
}

/** Gives an agent back. Whatever is answered, it is gone. */
export async function unbind(
  talk: Conversation,
  socket: SignalSocket,
  dispatcher: Endpoint,
  { token }: Allocation,
  clock: Clock,
): Promise<void> {
  const limit = new AbortController();
  const timer = clock.after(signalTiming.unbindMs, () => limit.abort());
  const question = {
    asked: 'relay/unbind',
    step: 'relay',
    path: `/relay/unbind/${token}`,
    server: dispatcher,
  } as const;
  await talk.askLightly(socket, question, limit.signal).catch(() => null);
  timer.cancel();
}
