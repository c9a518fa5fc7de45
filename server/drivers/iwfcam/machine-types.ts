// The words of the handshake: states, events and effects as data. The rules are in machine.ts.

import type { NvrError } from '../../core/nvr-error.ts';
import type { Endpoint } from '../../net/net.ts';
import type { Identity, LoginResponse, MediaPacket, Packet } from './wire.ts';

/** What does not change during one session. */
export type Handshake = {
  /** Camera that must answer; `null` takes whoever answers at `host`. */
  readonly uid: string | null;
  /** Address of the camera; `null` when only the UID is known. */
  readonly host: string | null;
  /** Where discovery requests go: the camera itself, or broadcast addresses. */
  readonly probe: readonly Endpoint[];
  /** Port that discovery answers come from. */
  readonly discoveryPort: number;
  /** 12 hexadecimal characters. */
  readonly token: string;
  /** A session that a crashed process left open on the port that is bound again. */
  readonly oldSession: { readonly address: string; readonly mediaPort: number; readonly session: number } | null;
};

/** A camera that answered discovery. */
export type Peer = { readonly address: string; readonly mediaPort: number; readonly uid: string };

/** Where the session is. `deadlineMs` is when the next timer event is due (monotonic). */
export type State =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'discovering';
      readonly tries: number;
      readonly stranger: string | null;
      readonly deadlineMs: number;
    }
  | { readonly kind: 'routing'; readonly peer: Peer }
  | { readonly kind: 'closingOld'; readonly peer: Peer; readonly announced: Endpoint; readonly deadlineMs: number }
  | {
      readonly kind: 'login';
      readonly peer: Peer;
      readonly announced: Endpoint;
      readonly identity: Identity;
      /** The identity is the camera's own, learned from a refusal. */
      readonly isLearned: boolean;
      readonly round: number;
      /** False while waiting before the login with the learned identity. */
      readonly isSent: boolean;
      readonly deadlineMs: number;
    }
  | {
      readonly kind: 'starting';
      readonly peer: Peer;
      readonly announced: Endpoint;
      readonly session: number;
      /** The camera did not answer the login; the session is a guess until media confirms it. */
      readonly isAssumed: boolean;
      readonly tries: number;
      readonly isAnswered: boolean;
      readonly startedMs: number;
      readonly sentMs: number;
      readonly deadlineMs: number;
    }
  | {
      readonly kind: 'streaming';
      readonly peer: Peer;
      readonly session: number;
      readonly startedMs: number;
      readonly sentMs: number;
      /** The live request was repeated because no picture came. */
      readonly isBurstSent: boolean;
      /** When the camera announced that it goes away. */
      readonly noticeMs: number | null;
      readonly deadlineMs: number;
    }
  | {
      readonly kind: 'leaving';
      readonly peer: Peer;
      /** `null` while the answer to a login that is not wanted any more may still come. */
      readonly session: number | null;
      readonly reason: NvrError;
      readonly deadlineMs: number;
    }
  | { readonly kind: 'ended'; readonly reason: NvrError };

/** What the session saw of the stream, for timer events. Monotonic; -1 for never. */
export type StreamWatch = {
  readonly mediaMs: number;
  readonly pictureMs: number;
  /** Since when only packets of another session come. */
  readonly strangeSinceMs: number;
  /** When the last of those came. */
  readonly strangeMs: number;
};

/** What happens to a session. */
export type Event = { readonly nowMs: number } & (
  | { readonly kind: 'start' }
  | { readonly kind: 'packet'; readonly packet: Exclude<Packet, MediaPacket>; readonly from: Endpoint }
  | { readonly kind: 'routed'; readonly announced: Endpoint }
  /** The first media packet since the live request. */
  | { readonly kind: 'media'; readonly session: number }
  | { readonly kind: 'timer'; readonly watch: StreamWatch }
  | { readonly kind: 'fail'; readonly error: NvrError }
);

/** What is to be done. Sends that still wait are cancelled when the kind of state changes. */
export type Effect =
  /** `atMs`: delays of the copies. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly to: Endpoint; readonly atMs: readonly number[] }
  /** Find out which of our addresses the camera reaches us at. */
  | { readonly kind: 'route'; readonly address: string }
  /** The camera answered: the session is open. */
  | { readonly kind: 'opened'; readonly login: LoginResponse | null }
  /** Keep this session (or none) for after a crash. */
  | { readonly kind: 'remember'; readonly session: number | null }
  /** Free everything. */
  | { readonly kind: 'close' };

/** A step's result. */
export type Step = { readonly state: State; readonly effects: readonly Effect[] };
