// What all parts of the handshake machine share.

import type { Endpoint } from '../../net/net.ts';
import { timing } from './dialect.ts';
import type { Peer, State, Step } from './machine-types.ts';

/** The state of that kind. */
export type In<K extends State['kind']> = Extract<State, { readonly kind: K }>;

/** Nothing is to be done. */
export const stay = (state: State): Step => ({ state, effects: [] });

/** Where login, control and media of the camera are. */
export const mediaEndpoint = (peer: Peer): Endpoint => ({ address: peer.address, port: peer.mediaPort });

/** Same address and port. */
export const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.address === b.address && a.port === b.port;

/** Control messages go out twice: slow firmware loses single ones. */
export const TWICE = [0, timing.repeatMs] as const;
