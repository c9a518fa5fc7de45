// Checks what users send about a camera and fills in defaults. Every refusal names the field.

import { isDeepStrictEqual } from 'node:util';
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  type CameraConfig,
  type DriverSettings,
  defaultRecording,
  MAX_PRE_ROLL_SECONDS,
  type RecordingSettings,
  type ScheduleRule,
  SEGMENT_SECONDS,
} from '../core/camera-config.ts';
import { cronRuns, parseCron } from '../core/cron.ts';
import { NvrError } from '../core/nvr-error.ts';
import { checkTimeZone } from '../core/time-zone.ts';
import type { CameraDriver } from '../drivers/driver.ts';
import { isSealed } from '../store/cameras.ts';
import { mergePatch } from './merge-patch.ts';

/** What is shown instead of a secret; sent back, it keeps the stored one. */
export const SECRET_MASK = '********';
/** Longest camera name. */
export const MAX_NAME_LENGTH = 100;
const MAX_SCHEDULES = 50;
const MAX_DAYS = 36_500;
const MAX_MINUTES = 7 * 24 * 60;
const MAX_QUALITY = 51;
const MINUTE_MS = 60_000;
const strict = { additionalProperties: false } as const;

/** Recording settings as users send them: all of them optional. The public interface's `recording`. */
export const recordingInputSchema = Type.Partial(
  Type.Object({
    mode: Type.Union([
      Type.Literal('off'),
      Type.Literal('continuous'),
      Type.Literal('schedule'),
      Type.Literal('motion'),
    ]),
    format: Type.Union([Type.Literal('mp4'), Type.Literal('mjpeg')]),
    segmentSeconds: Type.Integer({ minimum: SEGMENT_SECONDS.min, maximum: SEGMENT_SECONDS.max }),
    schedules: Type.Array(
      Type.Object(
        {
          cron: Type.String({ minLength: 1, maxLength: 200 }),
          durationMinutes: Type.Number({ exclusiveMinimum: 0, maximum: MAX_MINUTES }),
          timezone: Type.Optional(Type.String({ minLength: 1, maxLength: 60 })),
        },
        strict,
      ),
      { maxItems: MAX_SCHEDULES },
    ),
    retention: Type.Partial(
      Type.Object({
        days: Type.Number({ exclusiveMinimum: 0, maximum: MAX_DAYS }),
        maxBytes: Type.Integer({ minimum: 1 }),
      }),
      strict,
    ),
    preRollSeconds: Type.Number({ minimum: 0, maximum: MAX_PRE_ROLL_SECONDS }),
    audio: Type.Boolean(),
    encoder: Type.Partial(
      Type.Object({
        kind: Type.String({ minLength: 1, maxLength: 30, pattern: '^[a-z0-9_]+$' }),
        preset: Type.String({ minLength: 1, maxLength: 30, pattern: '^[a-z0-9]+$' }),
        quality: Type.Number({ minimum: 0, maximum: MAX_QUALITY }),
      }),
      strict,
    ),
  }),
  strict,
);

const recordingValidator = Compile(recordingInputSchema);

/** Compiling takes milliseconds, and stored settings are checked at every dial. */
const validators = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** Checks a value against a schema. @throws NvrError `bad_input` naming the field under `field` */
export function checkSchema<S extends TSchema>(schema: S, value: unknown, field: string): Static<S> {
  const validator = validators.get(schema) ?? Compile(schema);
  validators.set(schema, validator);
  if (validator.Check(value)) return value as Static<S>;
  throw firstError(validator.Errors(value), field);
}

/** Recording settings with a patch applied and checked. A removed key (null) goes back to its default. */
export function patchRecording(current: RecordingSettings, patch: unknown): RecordingSettings {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    throw new NvrError('bad_input', 'recording: an object is expected');
  }
  const merged = mergePatch(current, patch as Record<string, unknown>);
  if (!recordingValidator.Check(merged)) throw firstError(recordingValidator.Errors(merged), 'recording');
  const input = merged as Partial<RecordingSettings>;
  input.schedules?.forEach((rule, index) => {
    checkRule(rule, `recording.schedules[${index}]`);
  });
  return { ...defaultRecording, ...input, encoder: { ...defaultRecording.encoder, ...input.encoder } };
}

/** @throws NvrError `bad_input` naming the field of the rule */
function checkRule({ cron, durationMinutes, timezone }: ScheduleRule, field: string): void {
  const check = (name: string, work: () => unknown) => {
    try {
      work();
    } catch (cause) {
      throw new NvrError('bad_input', `${field}.${name}: ${(cause as Error).message}`, { cause });
    }
  };
  check('cron', () => cronRuns(parseCron(cron), durationMinutes * MINUTE_MS));
  if (timezone !== undefined) check('timezone', () => checkTimeZone(timezone));
}

/** A trimmed, bounded name. @throws NvrError `bad_input` */
export function checkName(name: unknown): string {
  const text = typeof name === 'string' ? name.trim() : '';
  if (text === '' || text.length > MAX_NAME_LENGTH || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw new NvrError('bad_input', `name: 1 to ${MAX_NAME_LENGTH} printable characters are expected`);
  }
  return text;
}

/**
 * Driver settings from a user, checked by the driver's schema and its own rules, defaults filled in. A masked secret is
 * replaced by the stored one, unless the camera's address has changed: a stored password never follows a changed host.
 * @param stored the camera's settings so far, if it has the same driver
 * @param field what the caller calls these settings
 * @throws NvrError `bad_input` naming the field
 */
export function checkDriverSettings(
  driver: CameraDriver,
  input: unknown,
  stored: DriverSettings | null,
  field = 'settings',
): DriverSettings {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new NvrError('bad_input', `${field}: an object is expected`);
  }
  const given = driver.normalize?.(input as DriverSettings) ?? (input as DriverSettings);
  const settings: Record<string, unknown> = withDefaults(driver, given);
  const before = stored && withDefaults(driver, stored);
  const masked = driver.secrets.filter((name) => settings[name] === SECRET_MASK);
  for (const name of masked) {
    const kept = before?.[name];
    if (kept === undefined) {
      throw new NvrError('bad_input', `${field}.${name}: there is no stored value to keep; enter it`);
    }
    settings[name] = kept;
  }
  const checked = checkWhole(driver, settings, field);
  const place = (host: string, value: unknown) => driver.hostPart?.(host, value) ?? value;
  const moved = driver.hostSettings.find(
    (host) => !isDeepStrictEqual(place(host, checked[host]), place(host, before?.[host])),
  );
  if (masked.length > 0 && moved !== undefined) {
    throw new NvrError('bad_input', `${field}.${masked[0]}: enter it again, because ${field}.${moved} has changed`);
  }
  return checked;
}

/**
 * Settings as they were stored, perhaps by another version, before they are used.
 * @throws NvrError `bad_input` naming the field
 */
export function checkStoredSettings(driver: CameraDriver, stored: DriverSettings): DriverSettings {
  return checkWhole(driver, withDefaults(driver, stored), 'settings');
}

function checkWhole(driver: CameraDriver, settings: DriverSettings, field: string): DriverSettings {
  const lost = driver.secrets.find((name) => isSealed(settings[name]));
  if (lost !== undefined) {
    throw new NvrError('bad_input', `${field}.${lost}: the stored value cannot be read any more; enter it again`);
  }
  const checked = checkSchema(driver.settingsSchema, settings, field) as DriverSettings;
  driver.check?.(checked);
  return checked;
}

/** A copy with the defaults of the driver's schema for what is left out. */
export function withDefaults(driver: CameraDriver, settings: DriverSettings): Record<string, unknown> {
  const whole: Record<string, unknown> = { ...settings };
  const { properties = {} } = driver.settingsSchema as { properties?: Record<string, { default?: unknown }> };
  for (const [name, property] of Object.entries(properties)) {
    if (whole[name] === undefined && property.default !== undefined) whole[name] = structuredClone(property.default);
  }
  return whole;
}

/** The public form of settings: secrets masked. */
export function maskSettings(driver: CameraDriver, settings: DriverSettings): DriverSettings {
  const masked: Record<string, unknown> = { ...settings };
  for (const name of driver.secrets) if (masked[name] !== undefined) masked[name] = SECRET_MASK;
  return masked;
}

/** The public view of a camera's configuration. */
export type CameraView = Omit<CameraConfig, 'createdAt' | 'folder'>;

type SchemaError = {
  readonly instancePath: string;
  readonly message: string;
  readonly keyword: string;
  readonly params: object;
};

/** TypeBox's errors as one sentence with the field's path. */
function firstError(errors: readonly SchemaError[], field: string): NvrError {
  const error = errors[0];
  const path = `${field}${(error?.instancePath ?? '').replaceAll('/', '.')}`;
  if (!error) return new NvrError('bad_input', `${path}: is not valid`);
  const params = error.params as Readonly<Record<string, unknown>>;
  if (error.keyword === 'boolean') return new NvrError('bad_input', `${path}: there is no such setting`);
  if (error.keyword === 'required') {
    return new NvrError('bad_input', `${path}.${String((params.requiredProperties as string[])[0])}: is required`);
  }
  if (error.keyword === 'const') {
    const allowed = errors
      .filter((other) => other.keyword === 'const' && other.instancePath === error.instancePath)
      .flatMap((other) => (other.params as { allowedValue: unknown }).allowedValue);
    return new NvrError('bad_input', `${path}: must be one of ${allowed.join(', ')}`);
  }
  return new NvrError('bad_input', `${path}: ${error.message}`);
}
