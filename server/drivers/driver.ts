// The contract between one camera protocol and the rest of the house. `design/adding-a-driver.md` is the long form.
// A driver promises: `open` resolves only when the camera has answered; frames come whole and in order; dispose says
// goodbye where the protocol can and frees every socket and timer within two seconds; the abort signal is honoured at
// every wait; it never retries a connection, never logs above debug, never reads a clock or opens a socket except
// through its context.

import type { TSchema } from 'typebox';
import type { DriverId, DriverSettings } from '../core/camera-config.ts';
import type { Clock } from '../core/clock.ts';
import type { DialStep } from '../core/dial-step.ts';
import type { AudioCodec, Frame, Instant, VideoCodec } from '../core/frame.ts';
import type { Logger } from '../core/logger.ts';
import type { DatagramScrubber } from '../net/capture-file.ts';
import type { Net } from '../net/net.ts';

/**
 * A small JSON value that a driver keeps per camera across sessions and restarts (IWFCam: the UDP port and the last
 * session, so that a crashed session can be closed). Untrusted on read: it may be of an older version.
 */
export type DriverMemory = { load(): unknown; save(value: unknown): void };

/** What a driver may touch of the world. */
export type DriverContext = {
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  /** Aborted when the camera is to be left: honour it at every wait. */
  readonly signal: AbortSignal;
  /** The time to put on a frame; one wall-clock reading per session, advanced by the monotonic clock. */
  readonly time: () => Instant;
  readonly memory: DriverMemory;
  /**
   * Tells that one of the driver's `steps` is reached. `detail`: a few words of the driver's own for the user, never a
   * secret and never text from the network.
   */
  readonly step?: (id: string, detail?: string) => void;
};

/** What a driver may touch while looking for cameras. */
export type DiscoveryContext = {
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** `address` or `address:port` texts to probe; empty means the broadcast address of each local network. */
  readonly targets: readonly string[];
};

/** A camera that answered a probe. Text in it came from the network: hostile. */
export type DiscoveredCamera = {
  readonly driver: DriverId;
  /** A name to suggest, printable and bounded. */
  readonly name: string;
  /** Settings that would add it (no secrets). */
  readonly settings: DriverSettings;
  /** Address of its ONVIF device service: it can be asked for its streams, which are not in `settings` yet. */
  readonly onvif?: string;
};

/** What a session counted so far. Plain numbers that only grow. */
export type SessionCounters = {
  /** Frames that arrived damaged or incomplete and were not yielded. */
  readonly framesDropped: number;
  /** Further counts by name, for the statistics page (datagrams, duplicates, audio blocks...). */
  readonly details: Readonly<Record<string, number>>;
};

/** One life of one connection. */
export interface CameraSession extends AsyncDisposable {
  /** Facts about this connection for the status page (session id, peer, model...). Text from the camera is hostile. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /**
   * Frames, whole and in order. Called once. Ends by throwing the reason as an NvrError (`cancelled` after dispose or
   * abort). The queue inside is bounded; a reader that does not read loses the oldest, counted as dropped.
   */
  frames(): AsyncIterable<Frame>;
  counters(): SessionCounters;
}

/** One channel of a device that has several. */
export type DeviceChannel = {
  readonly channel: number;
  readonly codec: VideoCodec;
  /** `null` where the device does not say. */
  readonly width: number | null;
  readonly height: number | null;
  /** Settings to merge over those of the device. */
  readonly settings: DriverSettings;
  /** The same for its sub stream, `null` when there is none. */
  readonly subSettings: DriverSettings | null;
};

/** Whom a driver asks besides the camera itself, for the sentence that a user reads before anything is saved. */
export type OutsideService = {
  /** Asked when the settings name no other. */
  readonly hosts: readonly string[];
  /** The setting that replaces them. */
  readonly setting: string;
};

/** What a driver knows about secrets in recorded traffic, beside its `secrets` as they are. */
export type CaptureKnowledge = {
  /** Further texts that must not be in a capture: what is derived from the secrets, parts that identify a device. Never throws. */
  secrets?(settings: DriverSettings): readonly string[];
  /** For protocols that hide text or carry streams in datagrams: without it each datagram is looked at as it is. */
  readonly scrub?: DatagramScrubber;
};

/** Knows one protocol. Made by a factory; may hold what the cameras of one device share. */
export interface CameraDriver {
  readonly id: DriverId;
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the settings, titled and described: the web form is drawn from it. */
  readonly settingsSchema: TSchema;
  /** Names of settings that are stored encrypted and never returned. */
  readonly secrets: readonly string[];
  /** Names of settings that say where the camera is: a stored secret never follows a change of one of these. */
  readonly hostSettings: readonly string[];
  /**
   * What of a host setting says where secrets go, when it is not all of it: of an address the scheme, host and port, not
   * the path. Without it the whole value counts. Never throws.
   */
  hostPart?(name: string, value: unknown): unknown;
  readonly capabilities: {
    readonly video: readonly VideoCodec[];
    readonly audio: readonly AudioCodec[];
    readonly discovery: boolean;
  };
  readonly capture?: CaptureKnowledge;
  /** Left out by drivers that talk to nobody but the camera. */
  readonly outside?: OutsideService;
  /** The way to the camera as a user sees it, without the first picture; left out: the camera answers. */
  readonly steps?: readonly DialStep[];
  /**
   * Settings as users paste them to settings as they are stored (credentials inside an address to their own fields). Called
   * before the schema, so the input may be anything. Never throws.
   */
  normalize?(settings: DriverSettings): DriverSettings;
  /**
   * What the schema cannot say (one of `uid` and `host`; addresses that are not allowed).
   * @throws NvrError `bad_input` naming the field
   */
  check?(settings: DriverSettings): void;
  /**
   * Dials. Resolves when the camera has answered.
   * @throws NvrError `refused` (credentials), `timeout`, `unavailable`, `protocol`; may carry `coolDownMs`
   */
  open(settings: DriverSettings, context: DriverContext): Promise<CameraSession>;
  /**
   * The channels of a device, each as it is found; plays none.
   * @throws NvrError as `open`
   */
  channels?(settings: DriverSettings, context: DriverContext): AsyncIterable<DeviceChannel>;
  /** Looks for cameras until its own time is up; yields each device once. */
  discover?(context: DiscoveryContext): AsyncIterable<DiscoveredCamera>;
  /**
   * The camera did not answer several dials: finds where it is now.
   * @returns settings to merge over the stored ones, or `null` when it was not found or nothing changed
   */
  locate?(settings: DriverSettings, context: DiscoveryContext): Promise<DriverSettings | null>;
}
