// The JSON of Perch's interface as the dashboard reads it. Times are ISO 8601 UTC texts, sizes are bytes.
// Every text that came from a camera is hostile: it is only ever shown through text nodes.

/** What a signed-in user may do. */
export type Role = 'admin' | 'viewer';

/** `GET /api/session`. */
export type SessionUser = {
  readonly username: string;
  readonly role: Role;
  readonly cameras: readonly string[] | null;
};
export type SessionInfo = { readonly setupRequired: boolean; readonly user: SessionUser | null };

export type CameraState = 'disabled' | 'connecting' | 'live' | 'coolingDown' | 'backingOff' | 'refused';

export type CameraStatus = {
  readonly state: CameraState;
  readonly since: string;
  readonly nextAttemptAt: string | null;
  readonly coolDownReason?: 'stalePort' | 'released' | null;
  /** While connecting: what is waited for. */
  readonly step?: string | null;
  readonly codec: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number;
  readonly bitRate: number;
  readonly lastFrameAt: string | null;
  readonly framesReceived: number;
  readonly framesDropped: number;
  readonly bytesReceived: number;
  readonly reconnects: number;
  readonly viewers: number;
  readonly recording: boolean;
  readonly audio?: boolean;
  /** Why libx264 stands in for the encoder of the settings. */
  readonly encoderNote?: string | null;
  /** The second source; `null` when there is none. */
  readonly sub?: SubStatus | null;
  readonly error: { readonly code: string; readonly message: string; readonly at: string } | null;
};

/** A camera's second, smaller source. `idle`: nobody looks, so it is not connected. */
export type SubStatus = Pick<
  CameraStatus,
  'codec' | 'width' | 'height' | 'frameRate' | 'lastFrameAt' | 'error' | 'nextAttemptAt' | 'viewers'
> & {
  readonly state: 'idle' | CameraState;
  /** Its viewers see it; else the main source stands in. */
  readonly shown: boolean;
};

export type RecordingMode = 'off' | 'continuous' | 'schedule' | 'motion';
export type RecordingFormat = 'mp4' | 'mjpeg';
export type ScheduleRule = { readonly cron: string; readonly durationMinutes: number; readonly timezone?: string };

export type RecordingSettings = {
  readonly mode: RecordingMode;
  readonly format: RecordingFormat;
  readonly segmentSeconds: number;
  readonly schedules: readonly ScheduleRule[];
  readonly retention: { readonly days?: number; readonly maxBytes?: number };
  readonly preRollSeconds: number;
  readonly audio: boolean;
  readonly encoder: { readonly kind: string; readonly preset: string; readonly quality: number };
};

export type DriverSettings = Readonly<Record<string, unknown>>;

export type CameraInfo = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly driver: string;
  readonly settings: DriverSettings;
  readonly enabled: boolean;
  readonly recording: RecordingSettings;
  readonly subSource?: { readonly driver: string; readonly settings: DriverSettings };
  readonly status: CameraStatus;
  /** What the running connection says of itself; administrators only. Hostile text. */
  readonly facts?: Readonly<Record<string, unknown>>;
};

/** The part of JSON Schema that drivers use for their settings. */
export type SettingSchema = {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly writeOnly?: boolean;
  readonly advanced?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SettingSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
};

export type DriverInfo = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly settingsSchema: SettingSchema;
  readonly capabilities: {
    readonly video: readonly string[];
    readonly audio: readonly string[];
    readonly discovery: boolean;
  };
  /** Its devices may have several channels. */
  readonly channels: boolean;
  /** What a test goes through, in order. */
  readonly steps: readonly DialStep[];
  /** Whom it asks besides the camera itself. */
  readonly outside: OutsideService | null;
};

/** A step on the way to a camera. */
export type DialStep = { readonly id: string; readonly title: string };
export type ReachedStep = DialStep & { readonly detail: string | null; readonly afterMs: number };

/** `setting` names the setting that replaces the hosts. */
export type OutsideService = { readonly hosts: readonly string[]; readonly setting: string };

/** A channel of a recorder, with what to merge over the recorder's settings. */
export type DeviceChannel = {
  readonly channel: number;
  readonly codec: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly settings: DriverSettings;
  readonly subSettings: DriverSettings | null;
  readonly alreadyAdded: boolean;
};

export type ChannelSearch =
  | { readonly ok: true; readonly channels: readonly DeviceChannel[]; readonly complete: boolean }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export type Discovered = {
  readonly driver: string;
  readonly name: string;
  readonly settings: DriverSettings;
  readonly alreadyAdded: boolean;
  /** Address of its ONVIF service: it is asked for its streams first. */
  readonly onvif?: string;
};

/** A stream of an ONVIF device. Names are hostile text. */
export type OnvifProfile = {
  readonly token: string;
  readonly name: string;
  readonly source: string;
  readonly codec: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
  readonly bitRate: number | null;
  readonly url: string;
  readonly moved: boolean;
};

export type OnvifAnswer =
  | {
      readonly ok: true;
      readonly device: {
        readonly manufacturer: string;
        readonly model: string;
        readonly main: string | null;
        readonly sub: string | null;
        readonly profiles: readonly OnvifProfile[];
      };
    }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export type CameraTest =
  | {
      readonly ok: true;
      readonly codec: string;
      readonly width: number;
      readonly height: number;
      readonly firstFrameMs: number;
      /** `null` when the picture is no JPEG. */
      readonly snapshot: string | null;
    }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export type Segment = {
  readonly id: string;
  readonly start: string;
  readonly end: string;
  readonly durationMs: number;
  readonly frames: number;
  readonly bytes: number;
  readonly format: RecordingFormat;
  readonly codec: string;
  readonly open: boolean;
  readonly endReason: string | null;
  readonly hasMotion: boolean;
  readonly protected: boolean;
};

export type GapReason =
  | 'offline'
  | 'refused'
  | 'cameraDisabled'
  | 'released'
  | 'recorderFailed'
  | 'perchDown'
  | 'diskFull'
  | 'storageMissing'
  | 'clockStep'
  | 'deleted';

type TimeSpan = { readonly start: string; readonly end: string };

/** `GET /api/timeline`. */
export type Timelines = {
  /** The server's clock: that of the browser may be wrong. */
  readonly now: string;
  readonly cameras: readonly {
    readonly id: string;
    readonly slug: string;
    readonly recorded: readonly TimeSpan[];
    readonly gaps: readonly (TimeSpan & { readonly reason: GapReason })[];
  }[];
};

/** `GET /api/cameras/{camera}/timeline`. */
export type CameraTimeline = Omit<Timelines['cameras'][number], 'id' | 'slug'> & {
  readonly events: readonly EventEntry[];
};

/** A day (UTC) with recordings. */
export type RecordedDay = {
  readonly day: string;
  readonly segments: number;
  readonly bytes: number;
  readonly recordedMs: number;
};

export type ExportSpan = { readonly camera: string; readonly from: string; readonly to: string };
export type ExportEstimate = {
  readonly bytes: number;
  readonly neededBytes: number;
  readonly bytesFree: number;
};
export type ExportJob = {
  readonly id: string;
  readonly camera: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly state: 'queued' | 'running' | 'done' | 'failed';
  readonly progress: number;
  readonly secondsLeft: number | null;
  readonly bytes: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
};

export type User = {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly cameras: readonly string[] | null;
};

export type TokenScope = 'admin' | 'viewer' | 'stream';

/** One line of the audit trail. */
export type AuditEntry = {
  readonly id: string;
  readonly at: string;
  readonly username: string;
  readonly via: string;
  readonly address: string;
  readonly action: string;
  readonly target: string | null;
  readonly detail: string | null;
};

export type Token = {
  readonly id: string;
  readonly name: string;
  readonly scope: TokenScope;
  readonly cameras: readonly string[] | null;
  readonly createdAt?: string;
  readonly expiresAt?: string | null;
  readonly lastUsedAt?: string | null;
};

export type EventEntry = {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly camera?: string | null;
  readonly slug?: string | null;
  readonly message?: string | null;
  readonly data?: Readonly<Record<string, unknown>> | null;
};

/** What decides how long recordings are kept. */
export type RecordingLimit = 'days' | 'bytes' | 'total' | 'disk';
export type StorageCamera = {
  readonly slug: string;
  readonly bytes: number;
  readonly segments: number;
  readonly oldest: string | null;
  readonly bytesPerDay: number | null;
  readonly daysLeft: number | null;
  readonly keepsDays: number | null;
  readonly limitedBy: RecordingLimit | null;
  /** `day` is `YYYY-MM-DD`, UTC. */
  readonly history: readonly { readonly day: string; readonly bytes: number; readonly recordedMs: number }[];
  /** Of these, what is on no timeline: made by a clock that was set back later. A server of before does not say. */
  readonly displaced?: { readonly segments: number; readonly bytes: number };
};
export type Storage = {
  readonly state: 'ok' | 'full' | 'missing' | 'readOnly';
  readonly message: string | null;
  readonly bytesFree: number;
  readonly bytesTotal: number;
  readonly bytesUsed: number;
  readonly minFreeBytes: number;
  readonly maxBytes: number | null;
  readonly cameras: readonly StorageCamera[];
};

/** `GET /api/settings`. */
export type SystemSettings = {
  readonly siteName: string;
  readonly eventDays: number;
  readonly maxRecordingBytes: number | null;
  readonly minFreeBytes: number | null;
};

/** `GET /api/encoders`. */
export type EncoderInfo = {
  readonly kind: string;
  readonly state: 'works' | 'fails' | 'untried';
  readonly reason: string | null;
};

/** `POST /api/cameras/{camera}/recording/rehearsal`: what recording would take, measured. */
export type Rehearsal = {
  readonly measuredMs: number;
  readonly encodes: boolean;
  readonly bytesPerHour: number;
  readonly hoursPerDay: number;
  readonly bytesPerDay: number;
  readonly processorShare: number | null;
  readonly daysLeft: number | null;
  readonly keepsDays: number | null;
  readonly limitedBy: RecordingLimit | null;
};

/** `POST /api/cameras/{camera}/url-checks`: one of its addresses, opened by Perch itself. */
export type UrlCheck = {
  readonly path: string;
  readonly ok: boolean;
  readonly status: number | null;
  readonly firstByteMs: number;
  readonly detail: string;
};

/** `GET /api/outputs`: the doors for media beside HTTP. */
export type MediaOutput = { readonly port: number | null; readonly warning: string | null };
export type MediaOutputs = { readonly rtsp: MediaOutput; readonly webrtc: MediaOutput };
