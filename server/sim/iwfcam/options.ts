// What a simulated IWFCam camera can do and how it misbehaves. The rows are those of the table in section 17 of the
// protocol description; every default is the behaviour of an ordinary camera.

import { type Clock, systemClock } from '../../core/clock.ts';
import { FRAGMENT_BYTES, type Identity, ZERO_IDENTITY } from '../../drivers/iwfcam/wire.ts';
import { type Faults, noFaults } from '../../net/datagram-faults.ts';
import type { Net } from '../../net/net.ts';
import type { PictureSource } from '../pictures.ts';
import type { Behavior } from './behaviors.ts';

/** One simulated camera. Times are milliseconds before {@link IwfcamOptions.timeScale}. */
export type IwfcamOptions = {
  readonly net: Net;
  readonly clock: Clock;
  /** The camera's own address: loopback, or an address of the LAN. Never `0.0.0.0`. */
  readonly host: string;
  /** Discovery port; 0 = any. A real camera has 10104. */
  readonly port: number;
  /** Media port of the first boot; 0 = any, as on a real camera. */
  readonly mediaPort: number;
  readonly uid: string;
  readonly name: string;
  readonly password: string;
  /** Identity that a cloud gave it; a login with another one gets result 1 and the right one (row 3). */
  readonly cloudId: Identity;

  /** Not owned: whoever made them ends them. Default: the built-in counter. */
  readonly pictures: PictureSource | null;
  readonly fps: number;
  readonly audio: boolean;
  /** First value of the counter of all media; FFF0 tests its wrap (row 13). */
  readonly firstFrameIndex: number;
  readonly fragmentBytes: number;
  /** Whether fragment 0 announces count and length (row 13). */
  readonly frameHead: boolean;
  /** At most so many fragments at once, then a pause (row 14). {@link smoothPace} spreads them. */
  readonly pace: Pace;

  readonly slots: number;
  /** A login without a free slot: result 2, or it silently takes over slot 1 (row 20). */
  readonly whenFull: 'refuse' | 'steal';
  /** Shortens the timeouts of the device (6 s, 45 s, 15 s, 10 s, 4 s) for tests on the real clock. */
  readonly timeScale: number;

  readonly loginResponse: boolean;
  /** Live parameters before the login response (row 5). */
  readonly liveParamsOnLogin: boolean;
  readonly liveAnswer: boolean;
  /** An unknown command is answered "not supported"; else with silence (row 12). */
  readonly unknownAnswer: boolean;
  readonly ignoreClose: boolean;
  /** Media and matching by the source of the login instead of the address it claims (row 4). */
  readonly streamToSource: boolean;
  /** Answers per discovery request, and whether broadcast copies come too (row 1). */
  readonly discoveryCopies: number;
  readonly broadcastReplies: boolean;
  /** A new media port whenever the last session has ended (row 19). */
  readonly renewMediaPort: boolean;
  /** Row 16: each control datagram is ignored with this probability, and all of them for a while after one was heard. */
  readonly slow: { readonly ignore: number; readonly busyMs: number };
  /** `vendor`: window of unacknowledged frames, resending, NAK (row 18). */
  readonly acks: 'off' | 'vendor';
  /** Sends every known bad packet between the good ones (row 22). */
  readonly hostile: boolean;

  /** Of the network around the camera, both directions (row 17). */
  readonly faults: Faults;
  readonly seed: number;
  /** Handlers asked before the camera's own; the first that answers wins. */
  readonly behaviors: readonly Behavior[];
};

/** How fragments leave: `fragments` at once, then nothing for `everyMs`. */
export type Pace = { readonly fragments: number; readonly everyMs: number };

/** The vendor's sender. */
export const burstPace: Pace = { fragments: 30, everyMs: 20 };
/** The same rate without bursts. */
export const smoothPace: Pace = { fragments: 3, everyMs: 2 };
/** Whole pictures at once: for measuring. */
export const noPace: Pace = { fragments: Number.POSITIVE_INFINITY, everyMs: 0 };

/** Factory password of these cameras (section 6.2). */
export const FACTORY_PASSWORD = '8888';

/** What a test passes: anything it does not say is as on an ordinary camera. */
export type IwfcamSimulatorOptions = Partial<Omit<IwfcamOptions, 'net' | 'faults' | 'slow'>> & {
  readonly net: Net;
  readonly faults?: Partial<Faults>;
  readonly slow?: Partial<IwfcamOptions['slow']>;
};

/** Fills in the defaults. */
export function completeOptions(options: IwfcamSimulatorOptions): IwfcamOptions {
  return {
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    mediaPort: 0,
    uid: 'SIMULAT-0123456789AB-000001',
    name: 'IPCAM',
    password: FACTORY_PASSWORD,
    cloudId: ZERO_IDENTITY,
    pictures: null,
    fps: 12,
    audio: true,
    firstFrameIndex: 0,
    fragmentBytes: FRAGMENT_BYTES,
    frameHead: true,
    pace: burstPace,
    slots: 2,
    whenFull: 'refuse',
    timeScale: 1,
    loginResponse: true,
    liveParamsOnLogin: true,
    liveAnswer: true,
    unknownAnswer: true,
    ignoreClose: false,
    streamToSource: false,
    discoveryCopies: 1,
    broadcastReplies: false,
    renewMediaPort: false,
    acks: 'off',
    hostile: false,
    seed: 1,
    behaviors: [],
    ...options,
    slow: { ignore: 0, busyMs: 0, ...options.slow },
    faults: { ...noFaults, ...options.faults },
  };
}
