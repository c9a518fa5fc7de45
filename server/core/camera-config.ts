// What a user decided about one camera: the registry's row as domain code sees it (secrets in clear, never serialized).

/** The driver ids of the public interface. */
export type DriverId = 'iwfcam' | 'dahua-p2p' | 'pppp' | 'rtsp' | 'http-mjpeg' | 'http-snapshot';

/** A driver's settings as stored and sent: JSON. Checked against the driver's schema on write and on read. */
export type DriverSettings = Readonly<Record<string, unknown>>;

/** When to record. */
export type RecordingMode = 'off' | 'continuous' | 'schedule' | 'motion';
/** `mp4`: H.264/H.265 (JPEG is encoded); `mjpeg`: JPEGs untouched in Matroska. */
export type RecordingFormat = 'mp4' | 'mjpeg';

/** One recurring window: starts at each match of the cron expression, lasts `durationMinutes`. */
export type ScheduleRule = { readonly cron: string; readonly durationMinutes: number; readonly timezone?: string };

/** How JPEG pictures become H.264. `kind: auto` picks what was probed; `quality` is a CRF-like number, lower is better. */
export type EncoderSettings = { readonly kind: string; readonly preset: string; readonly quality: number };

/** Recording settings of one camera, with all defaults filled in. */
export type RecordingSettings = {
  readonly mode: RecordingMode;
  readonly format: RecordingFormat;
  readonly segmentSeconds: number;
  readonly schedules: readonly ScheduleRule[];
  readonly retention: { readonly days?: number; readonly maxBytes?: number };
  readonly preRollSeconds: number;
  readonly audio: boolean;
  readonly encoder: EncoderSettings;
};

/** Bounds of `segmentSeconds`. */
export const SEGMENT_SECONDS = { min: 2, max: 3600 } as const;
/** Longest pre-roll; the hub's ring holds it in memory. */
export const MAX_PRE_ROLL_SECONDS = 60;

/** What a new camera gets. */
export const defaultRecording: RecordingSettings = {
  mode: 'off',
  format: 'mp4',
  segmentSeconds: 60,
  schedules: [],
  retention: { days: 30 },
  preRollSeconds: 5,
  audio: true,
  encoder: { kind: 'auto', preset: 'veryfast', quality: 23 },
};

/** One camera's registry entry. Immutable; a change makes a new one. */
export type CameraConfig = {
  readonly id: string;
  readonly slug: string;
  /** Folder name under `recordings/`: the camera's first slug, for ever. */
  readonly folder: string;
  readonly name: string;
  readonly driver: DriverId;
  readonly settings: DriverSettings;
  readonly enabled: boolean;
  readonly recording: RecordingSettings;
  readonly subSource: { readonly driver: DriverId; readonly settings: DriverSettings } | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
};
