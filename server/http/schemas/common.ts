// Pieces of schemas that several routes use, and the conversions that belong to them.

import Type, { type Static, type TSchema } from 'typebox';
import { NvrError } from '../../core/nvr-error.ts';

/** No unknown fields. */
export const strict = { additionalProperties: false } as const;

/** Longest id or slug in a URL. */
const MAX_REF_LENGTH = 100;

/** ISO 8601 UTC with milliseconds. */
export const IsoTime = Type.String({ format: 'date-time', description: 'ISO 8601, UTC, milliseconds' });

/** The value or null. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** One of some words. */
export const OneOf = <T extends string>(words: readonly T[], options: { description?: string } = {}) =>
  Type.Unsafe<T>({ type: 'string', enum: [...words], ...options });

/** `?source=`. @param fallback what is taken when it is left out */
export const sourceQuery = (fallback: string) =>
  Type.Optional(
    OneOf(['main', 'sub'], {
      description: `Which source of a camera that has a second, smaller one; without one it is always the main. Left out: ${fallback}`,
    }),
  );

/** `{camera}` in a path. */
export const CameraParams = Type.Object(
  { camera: Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH, description: 'Id or slug of a camera' }) },
  strict,
);

/** `{id}` in a path. */
export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH }) }, strict);

/** For routes without query. */
export const NoQuery = Type.Object({}, strict);

/** A reply without a body. */
export const NoContent = Type.Null({ description: 'Done; no body' });

/** Every error reply (RFC 9457). */
export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
    requestId: Type.Optional(Type.String()),
  },
  { title: 'Problem', description: 'application/problem+json' },
);

/** A reply that is one JSON value, or lines of JSON (step-lines.ts) for who asks for them. */
export const jsonOrLines = <T extends TSchema, L extends TSchema>(value: T, line: L) => ({
  content: { 'application/json': { schema: value }, 'application/x-ndjson': { schema: line } },
});

/** The error replies of a route, for its `response`. */
export const problems = { '4xx': ProblemSchema, '5xx': ProblemSchema } as const;

/** Epoch milliseconds as the interface writes times. */
export function isoTime(ms: number): string {
  return new Date(Math.round(ms)).toISOString();
}

/** The same for a time that may be missing. */
export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** A time of a request as epoch milliseconds. @throws NvrError `bad_input` naming the field */
export function parseTime(text: string, field: string): number;
export function parseTime(text: string | undefined, field: string): number | undefined;
export function parseTime(text: string | undefined, field: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new NvrError('bad_input', `${field} must be a time such as 2026-05-01T12:00:00.000Z`);
  return ms;
}

/** The type of a schema's values. */
export type Of<T extends TSchema> = Static<T>;
