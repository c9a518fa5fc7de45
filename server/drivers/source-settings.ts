// What the drivers with an address (`rtsp`, `http-mjpeg`, `http-snapshot`) have in common in their settings.

import { Type } from 'typebox';
import type { DriverSettings } from '../core/camera-config.ts';
import { NvrError } from '../core/nvr-error.ts';
import { parseCameraUrl, separateCredentials } from '../net/camera-url.ts';
import type { Credentials } from '../net/http-auth.ts';

const MAX_CREDENTIAL_CHARS = 256;
const CONTROL = /\p{Cc}/u;

/** The field for the user name. */
export const usernameField = Type.Optional(
  Type.String({
    title: 'User name',
    description: 'Leave empty when the camera asks for none.',
    maxLength: MAX_CREDENTIAL_CHARS,
  }),
);

/** The field for the password. */
export const passwordField = Type.Optional(
  Type.String({
    title: 'Password',
    description: 'Stored encrypted.',
    format: 'password',
    maxLength: MAX_CREDENTIAL_CHARS,
  }),
);

/**
 * The credentials, or `null` when neither is given.
 * @throws NvrError `bad_input` naming the field
 */
export function readCredentials(settings: DriverSettings): Credentials | null {
  const { username = '', password = '' } = settings as { username?: string; password?: string };
  for (const [field, text] of Object.entries({ username, password })) {
    if (CONTROL.test(text))
      throw new NvrError('bad_input', `${field}: it contains a control character`, { context: { field } });
  }
  // RFC 7617: a colon would move the border between the two.
  if (username.includes(':'))
    throw new NvrError('bad_input', 'username: it cannot contain a colon', { context: { field: 'username' } });
  return username === '' && password === '' ? null : { username, password };
}

/** Credentials inside the address go to their own fields, over what stood there: who pastes them means them. */
export function normalizeSettings(settings: DriverSettings): DriverSettings {
  if (typeof settings.url !== 'string') return settings;
  const { url, ...found } = separateCredentials(settings.url);
  return { ...settings, ...found, url };
}

const SCHEMES = ['http', 'https', 'rtsp', 'rtsps'] as const;

/** Where an address leads, without its path: scheme (TLS is part of the promise), host and port. What is no address counts whole. */
export function hostPart(name: string, value: unknown): unknown {
  if (name !== 'url' || typeof value !== 'string') return value;
  try {
    const { scheme, host, port } = parseCameraUrl(value, SCHEMES);
    return `${scheme}://${host}:${port}`;
  } catch {
    return value;
  }
}
