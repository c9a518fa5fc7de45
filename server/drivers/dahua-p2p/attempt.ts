// What the steps of one attempt share: what it was told, what is kept between attempts, its two sockets and its questions.

import type { Clock } from '../../core/clock.ts';
import type { Net } from '../../net/net.ts';
import type { Conversation } from './conversation.ts';
import type { CloudProfile, Dialect } from './dialect.ts';
import type { DahuaStep } from './failures.ts';
import type { DahuaSettings } from './settings.ts';
import type { SignalSocket } from './signal-socket.ts';

/** What was learned about a device and is worth keeping. */
export type Learned = {
  readonly profile: string;
  /** 1: with the device password in the signalling. */
  readonly type: 0 | 1;
  /** How the direct way begins. */
  readonly dialect: Dialect;
  /** Port on which its tunnel was published (PERCH_DAHUA_EXPOSE). */
  readonly exposedPort?: number;
};

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

/** What its steps work with. */
export type AttemptContext = EstablishOptions & {
  readonly profile: CloudProfile;
  readonly talk: Conversation;
  /** Signalling, STUN, direct PTCP. */
  readonly a: SignalSocket;
  /** User side, dispatcher, agent, relayed PTCP. */
  readonly b: SignalSocket;
};
