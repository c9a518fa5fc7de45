// A recording, and its row in the table of segments.

import type { RecordingFormat } from '../core/camera-config.ts';
import type { VideoCodec } from '../core/frame.ts';

/** Why a segment ended (design/recordings.md). */
export type EndReason =
  | 'boundary'
  | 'offline'
  | 'stopped'
  | 'shutdown'
  | 'clockStep'
  | 'formatChange'
  | 'recorderFailed'
  | 'crash'
  | 'adopted';

/** One closed recording. Times are epoch milliseconds. */
export type Segment = {
  readonly id: string;
  readonly camera: string | null;
  readonly folder: string;
  /** Relative to `recordings/`, '/' between. */
  readonly path: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly frames: number;
  readonly bytes: number;
  readonly format: RecordingFormat;
  readonly codec: VideoCodec;
  readonly endReason: EndReason;
  readonly hasMotion: boolean;
  readonly protected: boolean;
  /** Another recording took its time on the timeline (the clock had been set back): it plays, and is on no timeline. */
  readonly displaced?: boolean;
};

/** A row as the database has it. */
export type SegmentRow = {
  id: string;
  camera_id: string | null;
  folder: string;
  path: string;
  start_at: number;
  end_at: number;
  frames: number;
  bytes: number;
  format: string;
  codec: string;
  end_reason: string;
  has_motion: number;
  protected: number;
  displaced_at: number | null;
};

/** Columns that a new row is given. */
export const NEW_COLUMNS =
  'id, camera_id, folder, path, start_at, end_at, frames, bytes, format, codec, end_reason, has_motion, protected';
/** Columns of {@link SegmentRow}. */
export const COLUMNS = `${NEW_COLUMNS}, displaced_at`;
/** On a timeline: the condition of the covering index. */
export const LISTED = 'doomed_at is null and displaced_at is null';

/** A row as a segment. */
export function fromRow(row: SegmentRow): Segment {
  return {
    id: row.id,
    camera: row.camera_id,
    folder: row.folder,
    path: row.path,
    startAt: row.start_at,
    endAt: row.end_at,
    frames: row.frames,
    bytes: row.bytes,
    format: row.format as RecordingFormat,
    codec: row.codec as VideoCodec,
    endReason: row.end_reason as EndReason,
    hasMotion: row.has_motion === 1,
    protected: row.protected === 1,
    ...(row.displaced_at === null ? {} : { displaced: true }),
  };
}
