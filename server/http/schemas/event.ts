// Events and the facts of the Bus as the interface shows them.

import Type from 'typebox';
import type { FactName } from '../../core/bus.ts';
import type { CameraStatus } from '../../core/camera-status.ts';
import type { EventCursor, LoggedEvent } from '../../store/events.ts';
import { statusView } from './camera.ts';
import { IsoTime, isoTime, Nullable, type Of, strict } from './common.ts';

const MAX_REF_LENGTH = 100;
const MAX_TYPE_LENGTH = 50;
const MAX_CURSOR_LENGTH = 100;
const MAX_PAGE = 500;
/** Events in a page unless asked otherwise. */
export const EVENTS_PER_PAGE = 100;

/** Which events. */
export const EventQuerySchema = Type.Object(
  {
    camera: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH, description: 'Id or slug' })),
    type: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_TYPE_LENGTH })),
    from: Type.Optional(IsoTime),
    to: Type.Optional(IsoTime),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: MAX_CURSOR_LENGTH, description: '`next` of the page before' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: EVENTS_PER_PAGE })),
  },
  strict,
);

/** One event. */
export const EventReply = Type.Object({
  id: Type.String(),
  type: Type.String(),
  at: IsoTime,
  camera: Nullable(Type.String({ description: 'Id of the camera, which may be gone' })),
  slug: Nullable(Type.String({ description: 'Its slug at the time' })),
  message: Nullable(Type.String()),
  data: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }),
});

/** A page of events, newest first. */
export const EventPage = Type.Object({ events: Type.Array(EventReply), next: Nullable(Type.String()) });

/** An event for a reply. */
export function eventView(event: LoggedEvent): Of<typeof EventReply> {
  const { message } = event.data;
  return {
    id: `evt_${event.id}`,
    type: event.type,
    at: isoTime(event.at),
    camera: event.cameraId,
    slug: event.slug,
    message: typeof message === 'string' ? message : null,
    data: factView(event.data),
  };
}

/** The opaque text that continues after this event. */
export function encodeCursor({ at, id }: EventCursor): string {
  return Buffer.from(`${at}.${id}`).toString('base64url');
}

/** @returns `null` when it is not one of ours */
export function parseCursor(text: string): EventCursor | null {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  return match && { at: Number(match[1]), id: Number(match[2]) };
}

/** Names of fact fields that hold epoch milliseconds. */
const TIME_FIELDS = new Set(['start', 'end', 'at', 'from', 'to']);

/** A fact's fields with times written out. */
export function factView(fact: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fact).map(([name, value]) => {
      if (TIME_FIELDS.has(name) && typeof value === 'number') return [name, isoTime(value)];
      if (name === 'status' && typeof value === 'object') return [name, statusView(value as CameraStatus)];
      return [name, value];
    }),
  );
}

/** One message of the event stream. */
export function serverSentEvent(name: FactName, fact: object, atMs: number): string {
  const data = { type: name, at: isoTime(atMs), ...factView({ ...fact }) };
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
