// Settings of an IWFCam camera: the schema draws the form, `readSettings` fills in what was left out.

import { type Static, Type } from 'typebox';
import type { DriverSettings } from '../../core/camera-config.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { isForbiddenDestination } from '../../net/address-rules.ts';
import { isUnicastIpv4 } from '../../net/ipv4.ts';
import { passwordToken } from './token.ts';
import { DISCOVERY_PORT } from './wire.ts';

const MAX_PORT = 65535;
/** What such cameras are sold with. */
export const FACTORY_PASSWORD = '8888';
/** Also `0xa9fea9fe`, which resolvers take for an address. */
const NUMERIC = /^(?:[\d.]+|0x[0-9a-f.x]*)$/i;
/** The vendor's cloud: never a camera (section 19). */
const CLOUD_NAMES = /(^|\.)(ismartol\.com|aliyuncs\.com)$/i;

/** What the user may set. */
export const settingsSchema = Type.Object(
  {
    uid: Type.Optional(
      Type.String({
        title: 'UID',
        description:
          'The 27 characters on the sticker or in the app. With it the camera is found again at a new address.',
        pattern: '^[!-~]{1,32}$',
      }),
    ),
    host: Type.Optional(
      Type.String({
        title: 'Address',
        description: 'Address or host name of the camera. May be left out when the UID is given.',
        pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$',
      }),
    ),
    port: Type.Optional(
      Type.Integer({
        title: 'Discovery port',
        advanced: true,
        description: 'UDP port on which the camera answers.',
        default: DISCOVERY_PORT,
        minimum: 1,
        maximum: MAX_PORT,
      }),
    ),
    password: Type.Optional(
      Type.String({
        title: 'Password',
        description: `Leave empty for the factory password (${FACTORY_PASSWORD}).`,
        format: 'password',
        maxLength: 64,
      }),
    ),
    passwordToken: Type.Optional(
      Type.String({
        title: 'Password token',
        advanced: true,
        description: '12 hexadecimal digits, used instead of the password: for cameras that hash it in another way.',
        pattern: '^([0-9A-Fa-f]{12})?$',
      }),
    ),
    advertiseAddress: Type.Optional(
      Type.String({
        title: 'Advertised address',
        advanced: true,
        description:
          'Address of this recorder as the camera sees it. Chosen by route when empty; needed behind NAT and in containers.',
        pattern: '^(\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3})?$',
      }),
    ),
    localPort: Type.Optional(
      Type.Integer({
        title: 'Local port',
        advanced: true,
        description: 'UDP port on this recorder. Chosen once and kept when empty.',
        minimum: 1,
        maximum: MAX_PORT,
      }),
    ),
  },
  { additionalProperties: false },
);

/** Settings with everything filled in. At least one of `uid` and `host` is there. */
export type IwfcamSettings = {
  readonly uid: string | null;
  readonly host: string | null;
  readonly port: number;
  readonly token: string;
  readonly advertiseAddress: string | null;
  readonly localPort: number | null;
};

/** UIDs are copied from stickers: upper and lower case are the same. */
export function isSameUid(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase();
}

function bad(field: string, problem: string): NvrError {
  return new NvrError('bad_input', `${field}: ${problem}`, { context: { field } });
}

/** What the schema cannot say. @throws NvrError `bad_input` naming the field */
export function checkSettings(settings: DriverSettings): void {
  const { uid, host, advertiseAddress } = settings as Static<typeof settingsSchema>;
  if (!uid && !host) throw bad('host', 'give the address of the camera or its UID');
  if (host && CLOUD_NAMES.test(host)) throw bad('host', "this is the vendor's cloud, not a camera");
  if (host && NUMERIC.test(host) && (!isUnicastIpv4(host) || isForbiddenDestination(host)))
    throw bad('host', 'no camera can have this address');
  if (advertiseAddress && !isUnicastIpv4(advertiseAddress)) {
    throw bad('advertiseAddress', 'no recorder can have this address');
  }
}

/** Settings as stored to settings as used. @throws NvrError `bad_input` naming the field */
export function readSettings(stored: DriverSettings): IwfcamSettings {
  checkSettings(stored);
  const settings = stored as Static<typeof settingsSchema>;
  return {
    uid: settings.uid || null,
    host: settings.host || null,
    port: settings.port ?? DISCOVERY_PORT,
    token: settings.passwordToken || passwordToken(settings.password || FACTORY_PASSWORD),
    advertiseAddress: settings.advertiseAddress || null,
    localPort: settings.localPort ?? null,
  };
}
