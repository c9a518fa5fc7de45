// What a simulated Dahua world is, and what may go wrong in it. Faults may be changed while it runs.

import type { Clock } from '../../core/clock.ts';
import type { AppKey } from '../../drivers/dahua-p2p/wire.ts';
import type { Endpoint, Net } from '../../net/net.ts';

/** Faults of the signalling, the relay, the direct path and the realms; datagram faults belong to the network. */
export type DahuaFaults = {
  /** Answer this many requests with 401 first. */
  unauthorized: number;
  /** The server's clock is that far from ours; requests outside its window get 401. */
  clockOffsetSeconds: number;
  /** Before the final answer of p2p-channel. `only`: the final answer never comes. */
  trying: 'none' | 'once' | 'five' | 'only';
  /** The cloud answers nothing. */
  isCloudAway: boolean;
  /** The device is not registered. */
  isUnknown: boolean;
  /** Everything between client and device's own port is dropped. */
  isDirectBlocked: boolean;
  /** This many of the next allocated agents forward nothing. */
  deadAgents: number;
  /** All agents stop. */
  isRelayDead: boolean;
  /** The dispatcher says nothing. */
  isDispatcherSilent: boolean;
  confirmAfterMs: number;
  confirmTimes: number;
  /** Confirmations after the client's success. */
  stunConfirmations: number;
  /** Say InvalidNonce to this many relay-channel requests of type 1. */
  invalidNonces: number;
  /** Refuse the next binds. */
  refuseBinds: number;
  /** Never answer binds. */
  isBindSilent: boolean;
  connAfterMs: number;
  /** This many of the next realms connect and then say nothing, whatever they are told. */
  muteRealms: number;
  /** Never answer a sign that is presented on the direct way. */
  isSignRefused: boolean;
  /** This many of the next answers about the device publish another salt than the one in force, or none. */
  wrongSalts: number;
  saltlessInfos: number;
  /** Send CONN twice, DISC for unknown realms and messages of unknown types now and then. */
  isChatty: boolean;
  /** Announce more bytes than are ever sent, once per realm, after this many data messages; 0: never. */
  lieAfterMessages: number;
};

/** A world in which nothing goes wrong. */
export const noDahuaFaults: DahuaFaults = {
  unauthorized: 0,
  clockOffsetSeconds: 0,
  trying: 'once',
  isCloudAway: false,
  isUnknown: false,
  isDirectBlocked: false,
  deadAgents: 0,
  isRelayDead: false,
  isDispatcherSilent: false,
  confirmAfterMs: 5,
  confirmTimes: 1,
  stunConfirmations: 5,
  invalidNonces: 0,
  refuseBinds: 0,
  isBindSilent: false,
  connAfterMs: 0,
  muteRealms: 0,
  isSignRefused: false,
  wrongSalts: 0,
  saltlessInfos: 0,
  isChatty: false,
  lieAfterMessages: 0,
};

/** What the receive window of the device says. Captured: `neverReopen`. */
export type WindowMode = 'neverReopen' | 'reopenHalf' | 'constant';

/** Options of the simulator. */
export type DahuaSimulatorOptions = {
  readonly clock: Clock;
  /** The machine of the cloud, and its address. */
  readonly net: Net;
  readonly host: string;
  /** The device's machine; the cloud's unless given. */
  readonly deviceNet?: Net;
  readonly deviceHost?: string;
  /** 0: any. */
  readonly port?: number;
  readonly serial?: string;
  readonly username?: string;
  readonly password?: string;
  /** `required`: p2p-channel wants the device password (type 1). */
  readonly auth?: 'none' | 'required';
  /** Salt of the device password; empty: none is published. */
  readonly randSalt?: string;
  readonly info?: 'full' | 'empty' | 'garbage';
  readonly rtspPort?: number;
  /** What listens inside the device, by port. */
  readonly targets: ReadonlyMap<number, Endpoint>;
  readonly keys?: readonly AppKey[];
  readonly dialect?: 'plain' | 'sign' | 'both';
  readonly window?: WindowMode;
  /** `packed`: under backlog, segments are filled across message borders. */
  readonly packing?: 'aligned' | 'packed';
  readonly maxFlightBytes?: number;
  readonly initialSeq?: number;
  readonly heartbeatMs?: number;
  readonly leaseSeconds?: number;
  readonly maxSessions?: number;
  readonly seed?: number;
  readonly faults?: Partial<DahuaFaults>;
};

/** What it saw, for assertions. */
export type DahuaStats = {
  requests: Record<string, number>;
  rejected: Record<string, number>;
  /** Times of p2p-channel requests that were not repeats: the attempts. */
  attemptAtMs: number[];
  /** When each new port first spoke to the main server, heard or not: who keeps knocking. */
  knockAtMs: number[];
  agents: number;
  unbinds: number;
  sessions: number;
  /** Sign exchanges that were begun, on either way. */
  signs: number;
  binds: number;
  discs: number;
  realms: number;
  retransmissions: number;
  /** Acknowledgements beyond what was sent: a client that counts instead of following the stream. */
  futureAcks: number;
  stunRequests: number;
};
