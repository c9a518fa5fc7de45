// The network of this machine with everything written down that goes out through it, and names that a test makes up.

import type { Net } from '../net/net.ts';
import { systemNet } from '../net/system-net.ts';

/** The net and what was asked of it. */
export type WatchedNet = {
  readonly net: Net;
  /** `tcp ADDRESS:PORT`, `udp ADDRESS:PORT`, in order. */
  readonly sent: string[];
  /** Names that were looked up. */
  readonly resolved: string[];
  /** Sockets opened, of any kind. */
  sockets: number;
};

/** @param names what a name leads to, one answer after the other; the last one stays */
export function watchedNet(names: Readonly<Record<string, readonly string[]>> = {}): WatchedNet {
  const asked = new Map<string, number>();
  const answer = (host: string) => {
    const answers = names[host];
    if (!answers) return null;
    const turn = asked.get(host) ?? 0;
    asked.set(host, turn + 1);
    return answers[Math.min(turn, answers.length - 1)]!;
  };
  const watched: WatchedNet = {
    sent: [],
    resolved: [],
    sockets: 0,
    net: {
      ...systemNet,
      async resolve(host) {
        watched.resolved.push(host);
        return answer(host) ?? systemNet.resolve(host);
      },
      async resolveAll(host) {
        watched.resolved.push(host);
        const made = answer(host);
        return made === null ? systemNet.resolveAll(host) : [made];
      },
      async openUdp(options) {
        watched.sockets++;
        const socket = await systemNet.openUdp(options);
        const send = socket.send.bind(socket);
        socket.send = (bytes, to) => {
          watched.sent.push(`udp ${to.address}:${to.port}`);
          send(bytes, to);
        };
        return socket;
      },
      streams: {
        ...systemNet.streams,
        connect(options) {
          watched.sockets++;
          watched.sent.push(`tcp ${options.address}:${options.port}`);
          return systemNet.streams.connect(options);
        },
      },
    },
  };
  return watched;
}
