// Recordings as the interface shows them.

import Type from 'typebox';
import type { OpenSegment } from '../../recording/recorder-options.ts';
import type { Segment, SegmentCursor } from '../../store/segment-index.ts';
import { IsoTime, isoTime, Nullable, type Of, OneOf, strict } from './common.ts';

const MAX_CURSOR_LENGTH = 200;
const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;
const MAX_ID_LENGTH = 100;
const DAY_MS = 86_400_000;

/** Begins the id of an open segment; the camera's id follows. */
const OPEN_ID = 'open_';

/** Which segments: those that overlap the span. */
export const SegmentQuerySchema = Type.Object(
  {
    from: Type.Optional(IsoTime),
    to: Type.Optional(IsoTime),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: MAX_CURSOR_LENGTH, description: '`next` of the page before' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE })),
    order: Type.Optional(OneOf(['asc', 'desc'], { description: 'asc (default): oldest first' })),
    displaced: Type.Optional(
      Type.Boolean({ description: 'true: the recordings that lost their time when the clock was set back, instead' }),
    ),
  },
  strict,
);

/** `{id}` of a segment, and the token that media URLs may carry. */
export const SegmentParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH }) }, strict);

/** One recording. */
export const SegmentReply = Type.Object({
  id: Type.String(),
  camera: Nullable(Type.String({ description: 'Id of the camera, which may be gone' })),
  start: IsoTime,
  end: IsoTime,
  durationMs: Type.Integer(),
  frames: Type.Integer(),
  bytes: Type.Integer(),
  format: OneOf(['mp4', 'mjpeg']),
  codec: OneOf(['mjpeg', 'h264', 'h265']),
  open: Type.Boolean({ description: 'Still being written; what is listed is surely in the file' }),
  endReason: Nullable(Type.String()),
  hasMotion: Type.Boolean(),
  protected: Type.Boolean(),
  displaced: Type.Boolean({
    description: 'On no timeline: the clock was set back, and its time belongs to what was recorded then',
  }),
});

/** A page of recordings. */
export const SegmentPage = Type.Object({ segments: Type.Array(SegmentReply), next: Nullable(Type.String()) });

/** What may be changed of a recording. */
export const SegmentPatch = Type.Object({ protected: Type.Boolean() }, strict);

/** An order for a camera's recording. */
export const RecordingOrder = Type.Object({ action: OneOf(['start', 'stop', 'auto']) }, strict);

/** What holds now. */
export const RecordingReply = Type.Object({ action: OneOf(['start', 'stop', 'auto']), recording: Type.Boolean() });

/** Which days. */
export const DaysQuery = Type.Object({ from: Type.Optional(IsoTime), to: Type.Optional(IsoTime) }, strict);

/** Days with recordings. */
export const DaysReply = Type.Array(
  Type.Object({
    day: Type.String({ description: 'YYYY-MM-DD, UTC' }),
    segments: Type.Integer(),
    bytes: Type.Integer(),
    recordedMs: Type.Integer(),
  }),
);

/** Most days that a plot of storage asks for. */
const MAX_HISTORY_DAYS = 400;

/** How much history. */
export const StorageQuery = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({ minimum: 0, maximum: MAX_HISTORY_DAYS, default: 0, description: 'Days of history per camera' }),
    ),
  },
  strict,
);

/** What recordings take. */
export const StorageReply = Type.Object({
  state: OneOf(['ok', 'full', 'missing', 'readOnly']),
  message: Nullable(Type.String({ description: 'Why nothing is recorded, and what to do' })),
  bytesFree: Type.Integer(),
  bytesTotal: Type.Integer(),
  bytesUsed: Type.Integer({ description: 'By recordings' }),
  minFreeBytes: Type.Integer({ description: 'Free space that recordings leave' }),
  maxBytes: Nullable(Type.Integer({ description: 'Most that recordings of all cameras may take' })),
  cameras: Type.Array(
    Type.Object({
      slug: Type.String({ description: "The camera's slug, or the folder of a camera that is gone" }),
      bytes: Type.Integer(),
      segments: Type.Integer(),
      displaced: Type.Object(
        { segments: Type.Integer(), bytes: Type.Integer() },
        {
          description:
            'Of these, what is on no timeline: the clock was set back. `GET /api/cameras/{camera}/segments?displaced=true` lists it; retention deletes it by age like others',
        },
      ),
      oldest: Nullable(IsoTime),
      bytesPerDay: Nullable(Type.Integer()),
      daysLeft: Nullable(
        Type.Number({ description: 'Until the disk, the limit for all or its own is full at this pace; null: never' }),
      ),
      keepsDays: Nullable(Type.Number({ description: 'How many days of it there will be in the end' })),
      limitedBy: Nullable(OneOf(['days', 'bytes', 'total', 'disk'], { description: 'What decides keepsDays' })),
      history: Type.Array(Type.Object({ day: Type.String(), bytes: Type.Integer(), recordedMs: Type.Integer() }), {
        description: 'What there is of each of the last days',
      }),
    }),
  ),
});

/** A closed segment for a reply. */
export function segmentView(segment: Segment): Of<typeof SegmentReply> {
  const { id, camera, startAt, endAt, frames, bytes, format, codec, endReason, hasMotion } = segment;
  return {
    ...{
      id,
      camera,
      start: isoTime(startAt),
      end: isoTime(endAt),
      durationMs: endAt - startAt,
      frames,
      bytes,
      format,
      codec,
    },
    ...{ open: false, endReason, hasMotion, protected: segment.protected, displaced: segment.displaced === true },
  };
}

/** The open segment of a camera for a reply. */
export function openSegmentView(camera: string, open: OpenSegment): Of<typeof SegmentReply> {
  const { startAt, endAt, frames, bytes, format, codec } = open;
  return {
    ...{ id: OPEN_ID + camera, camera, start: isoTime(startAt), end: isoTime(endAt), durationMs: endAt - startAt },
    ...{
      frames,
      bytes,
      format,
      codec,
      open: true,
      endReason: null,
      hasMotion: false,
      protected: false,
      displaced: false,
    },
  };
}

/** The camera whose open segment an id means, or `null` for any other id. */
export function openSegmentCamera(id: string): string | null {
  return id.startsWith(OPEN_ID) ? id.slice(OPEN_ID.length) : null;
}

/** The opaque text that continues after this segment. */
export function encodeSegmentCursor({ startAt, id }: SegmentCursor): string {
  return Buffer.from(`${startAt}.${id}`).toString('base64url');
}

/** @returns `null` when it is not one of ours */
export function parseSegmentCursor(text: string): SegmentCursor | null {
  const match = /^(\d{1,15})\.([\w-]{1,40})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  return match && { startAt: Number(match[1]), id: match[2]! };
}

/** A day's number as a date. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The number of the UTC day that a moment is in. */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}
