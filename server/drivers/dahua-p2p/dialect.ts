// Every constant, time, bound and inferred fact of Dahua P2P in one place, so that a capture of a real device or a change of
// the cloud changes this file and its tests only. Section numbers are those of the protocol specification (README.md).

import type { AppKey, HeaderProfile, IpEncryptMode, Verbs } from './wire.ts';

/** One cloud and the app that asks it (section 1.1). The key pairs are public constants of apps, not of users. */
export type CloudProfile = {
  readonly name: string;
  /** `host` or `host:port`. */
  readonly server: string;
  readonly key: AppKey;
  readonly verbs: Verbs;
  readonly headers: HeaderProfile;
};

/** How the direct way begins: binds at once, or after the exchange of a sign that was got over the relay (section 9.4). */
export type Dialect = 'plain' | 'sign';

/** Port of every main server seen. */
export const MAIN_PORT = 8800;
/** The default cloud; the dashboard names it before anything is sent. */
export const DEFAULT_SERVER = 'www.easy4ipcloud.com';

/** Confirmed: pair B since October 2024, pair A before; devices were seen that take only one. */
export const appKeys = {
  b: { username: 'cba1b29e32cb17aa46b8ff9e73c7f40b', userkey: '996103384cdf19179e19243e959bbf8b' },
  a: { username: 'P2PClient', userkey: 'YXQ3Mahe-5H-R1Z_' },
} as const satisfies Record<string, AppKey>;

/** Tried in this order; the one that worked is remembered per serial. */
export const defaultProfiles: readonly CloudProfile[] = [
  { name: 'easy4ip', server: DEFAULT_SERVER, key: appKeys.b, verbs: 'DH', headers: 'reference-2024' },
  { name: 'easy4ip-2023', server: DEFAULT_SERVER, key: appKeys.a, verbs: 'DH', headers: 'reference-2024' },
];

/** Version that the client tells (section 1.3). */
export const DEFAULT_VERSION = '5.0.0';
/** Port of RTSP inside the device unless `/info/device` says otherwise. */
export const DEFAULT_RTSP_PORT = 554;
/** Where a bind points: the device itself. */
export const DEVICE_LOOPBACK = '127.0.0.1';

/** What was inferred, as named choices (section 15). */
export const choices = {
  /** Reference clients claim a complement and send the address plain; we send it really complemented. */
  ipEncrypt: 'complement' as IpEncryptMode,
  /** The length field of a bind: 0 in reference clients, 8 in the vendor's app. */
  bindLength: 0 as 0 | 8,
} as const;

/** Times of the signalling (section 11.4), milliseconds. */
export const signalTiming = {
  retry: { initialMs: 500, factor: 2, maxWindowMs: 10_000, totalMs: 10_000 },
  /** relay-channel: the first wait is longer, because quick repeats produced doubles. */
  relayChannelAtMs: [0, 2000, 4500, 8000, 12_000],
  relayChannelTotalMs: 16_000,
  /** A service with several addresses: how many are tried, and how long a mute one that is not the last is waited for. */
  maxAddresses: 4,
  nextAddressAtMs: [0, 500, 1500],
  nextAddressMs: 3000,
  /** Advisory questions (probe, info, relay lookup) may take this long together. */
  inspectMs: 5000,
  channelAfterTryingMs: 15_000,
  maxTryingExtensions: 3,
  /** An allocation that nobody joined for this long is not used any more. */
  allocationFreshMs: 20_000,
  maxAllocations: 2,
  /** Section 10.2 says 2 s; a driver must be gone within two seconds altogether. */
  unbindMs: 1000,
  /** Between two attempts on one serial. */
  attemptGapMs: 3000,
  punchAtMs: [0, 300, 700, 1500, 2500, 4500, 6500],
  punchTotalMs: 8000,
  /** How long another candidate's confirmation is waited for after a success. */
  nominateMs: 250,
  crossRequestMs: 1000,
  confirmationGapMs: 20,
  synTotalMs: 10_000,
  verifyDirectMs: 4000,
  verifyRelayMs: 8000,
  signStepMs: 6000,
  maxUnauthorized: 3,
  maxServerErrors: 3,
} as const;

/** Times and bounds of the stream (sections 8.5 to 8.8). */
export const ptcpLimits = {
  window: 65_535,
  rtoInitialMs: 1000,
  rtoMinMs: 250,
  rtoMaxMs: 10_000,
  synInitialMs: 500,
  synMaxMs: 3000,
  synTotalMs: 10_000,
  maxTransmissions: 12,
  noProgressMs: 30_000,
  holeMs: 15_000,
  duplicateAcks: 3,
  /**
   * Segments in order that one acknowledgement may cover when they are read in one turn of the event loop; everything else
   * is acknowledged at once (section 8.5, S6). Fewer datagrams; never a wait.
   */
  segmentsPerAck: 4,
  initialWindowSegments: 4,
  maxWindowSegments: 64,
  /** What is sent at once when a device never reopens its window but acknowledges probes (section 8.6). */
  probedWindowSegments: 4,
  maxStoredSegments: 256,
  maxStoredBytes: 512 * 1024,
} as const;

/** Times and bounds of a tunnel (sections 9.3, 9.5, 11.3). */
export const tunnelLimits = {
  heartbeatMs: 5000,
  suspectMs: 10_000,
  suspectEveryMs: 4000,
  lostMs: 30_000,
  connTimeoutMs: 10_000,
  /** A realm that was asked and is mute for so long while the session lives is closed; so many in a row end the session. */
  zombieMs: 12_000,
  maxZombiesInRow: 2,
  maxRealms: 32,
  maxPendingBinds: 4,
  /** Connections of other tools through one tunnel, and how long one may say nothing at first. */
  maxGuests: 16,
  guestSilenceMs: 20_000,
  /** Bytes towards a local TCP reader that may wait; then its realm is closed. */
  maxQueuedDownBytes: 4 * 1024 * 1024,
  /** Bytes of a local TCP writer that may wait; then it is paused. */
  maxQueuedUpBytes: 64 * 1024,
  resumeUpBytes: 32 * 1024,
  realmReuseMs: 60_000,
  maxDesyncs: 3,
  desyncWindowMs: 10_000,
  goodbyeMs: 600,
  receiveBufferBytes: 4 * 1024 * 1024,
} as const;

/** Politeness to the cloud (section 11.5 and the issue): one attempt per device and second at most. */
export const cloudLimits = {
  attemptsPerMinute: 10,
  datagramsPerSecond: 30,
  /** After a wrong password nothing is asked again for this long: devices lock accounts. */
  wrongPasswordCoolDownMs: 10 * 60_000,
} as const;
