// Settings of a Dahua device behind its serial number: the schema draws the form, `readSettings` fills in what was left out.

import { type Static, Type } from 'typebox';
import type { DriverSettings } from '../../core/camera-config.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Credentials } from '../../net/http-auth.ts';
import { passwordField, readCredentials, usernameField } from '../source-settings.ts';
import { type CloudProfile, DEFAULT_SERVER, DEFAULT_VERSION, type Dialect, defaultProfiles } from './dialect.ts';

const SERVER = '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[1-9]\\d{0,4})?$';
const CHOICE = { advanced: true } as const;

const profileSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 40 })),
    server: Type.String({ title: 'Server', pattern: SERVER }),
    username: Type.String({ title: 'App user', minLength: 1, maxLength: 128 }),
    userkey: Type.String({ title: 'App key', minLength: 1, maxLength: 128 }),
    verbs: Type.Optional(Type.Union([Type.Literal('DH'), Type.Literal('NF')], { title: 'Verbs', default: 'DH' })),
  },
  { additionalProperties: false },
);

/** What the user may set. */
export const settingsSchema = Type.Object(
  {
    serial: Type.String({
      title: 'Serial number',
      description: `On the sticker and in the device's network page, beside its QR code. To find the device, Perch asks the vendor's service (${DEFAULT_SERVER} unless another is set).`,
      pattern: '^[A-Za-z0-9]{8,32}$',
    }),
    username: usernameField,
    password: passwordField,
    channel: Type.Optional(
      Type.Integer({
        title: 'Channel',
        description: 'Of a recorder; 1 for a camera.',
        default: 1,
        minimum: 1,
        maximum: 256,
      }),
    ),
    subtype: Type.Optional(
      Type.Integer({
        title: 'Stream',
        description: '0: main stream, 1: sub stream.',
        default: 0,
        minimum: 0,
        maximum: 8,
      }),
    ),
    relay: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('always'), Type.Literal('never')], {
        ...CHOICE,
        title: 'Relay',
        description: "auto: the vendor's relay carries the pictures only when there is no direct way.",
        default: 'auto',
      }),
    ),
    deviceAuth: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('on'), Type.Literal('off')], {
        ...CHOICE,
        title: 'Device password in the signalling',
        description: 'auto: when the device asks for it.',
        default: 'auto',
      }),
    ),
    server: Type.Optional(
      Type.String({
        ...CHOICE,
        title: 'Service',
        description: 'host or host:port instead of the default.',
        pattern: SERVER,
      }),
    ),
    advanced: Type.Optional(
      Type.Object(
        {
          profiles: Type.Optional(Type.Array(profileSchema, { title: 'Clouds and apps', maxItems: 8 })),
          dialect: Type.Optional(
            Type.Union([Type.Literal('auto'), Type.Literal('plain'), Type.Literal('sign')], {
              title: 'Dialect of the direct way',
              description: 'auto: plain, and with the sign exchange when the device wants it.',
              default: 'auto',
            }),
          ),
          randSalt: Type.Optional(Type.String({ title: 'Salt', pattern: '^[0-9A-Za-z]{0,64}$' })),
          headerProfile: Type.Optional(
            Type.Union([Type.Literal('reference-2024'), Type.Literal('sdk-6.7')], { title: 'Headers' }),
          ),
          version: Type.Optional(Type.String({ title: 'Version that is told', pattern: '^[\\w.-]{1,16}$' })),
        },
        { ...CHOICE, title: 'Protocol', additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

/** Settings with everything filled in. */
export type DahuaSettings = {
  readonly serial: string;
  readonly credentials: Credentials | null;
  readonly channel: number;
  readonly subtype: number;
  readonly relay: 'auto' | 'always' | 'never';
  readonly deviceAuth: 'auto' | 'on' | 'off';
  /** A server that the user configured may lead to private addresses; the public cloud may not. */
  readonly hasOwnServer: boolean;
  readonly profiles: readonly CloudProfile[];
  /** `null`: what the device publishes. */
  readonly randSalt: string | null;
  readonly version: string;
  readonly dialect: 'auto' | Dialect;
};

/** Settings as stored to settings as used. @throws NvrError `bad_input` naming the field */
export function readSettings(stored: DriverSettings, defaultServer: string | null = null): DahuaSettings {
  const settings = stored as Static<typeof settingsSchema>;
  const { advanced = {} } = settings;
  const own = settings.server || defaultServer;
  const listed = advanced.profiles?.map((profile, n): CloudProfile => {
    const { name = `profile ${n + 1}`, server, username, userkey, verbs = 'DH' } = profile;
    return { name, server, key: { username, userkey }, verbs, headers: 'reference-2024' };
  });
  const profiles = (listed && listed.length > 0 ? listed : defaultProfiles).map((profile) => ({
    ...profile,
    ...(own && { server: own }),
    ...(advanced.headerProfile && { headers: advanced.headerProfile }),
  }));
  const credentials = readCredentials(stored);
  if (settings.deviceAuth === 'on' && !credentials) {
    throw new NvrError('bad_input', 'username: the device password in the signalling needs a user name and password', {
      context: { field: 'username' },
    });
  }
  return {
    serial: settings.serial,
    credentials,
    channel: settings.channel ?? 1,
    subtype: settings.subtype ?? 0,
    relay: settings.relay ?? 'auto',
    deviceAuth: settings.deviceAuth ?? 'auto',
    hasOwnServer: own !== null && own !== '',
    profiles,
    randSalt: advanced.randSalt ?? null,
    version: advanced.version ?? DEFAULT_VERSION,
    dialect: advanced.dialect ?? 'auto',
  };
}

const SHOWN_CHARS = 4;

/** All but the last four characters hidden: whoever knows a serial number can knock at the device. */
export function maskSerial(serial: string): string {
  return `…${serial.slice(-SHOWN_CHARS)}`;
}

/** What {@link maskSerial} hides. */
export const hiddenPart = (serial: string): string => serial.slice(0, -SHOWN_CHARS);
