// Settings of the drivers that read pictures over HTTP.

import { type Static, Type } from 'typebox';
import type { DriverSettings } from '../core/camera-config.ts';
import { NvrError } from '../core/nvr-error.ts';
import { type CameraUrl, fillTarget, MAX_URL_CHARS, parseCameraUrl } from '../net/camera-url.ts';
import { HttpAuth } from '../net/http-auth.ts';
import { type HttpReply, type HttpWorld, openHttp } from '../net/http-client.ts';
import { passwordField, readCredentials, usernameField } from './source-settings.ts';

/** What the two drivers say differently. */
export type HttpSettingsTexts = {
  readonly urlExample: string;
  readonly interval: { readonly description: string; readonly minimum: number; readonly default: number };
};

/** The Supervisor gives a camera up after ten seconds without a picture. */
const MAX_INTERVAL_MS = 5000;

/** What the user may set. */
export function httpSettingsSchema({ urlExample, interval }: HttpSettingsTexts) {
  return Type.Object(
    {
      url: Type.String({
        title: 'Address',
        description:
          'http:// or https:// address as in the camera’s manual. A user name and password in it are moved to their own fields.',
        examples: [urlExample],
        minLength: 1,
        maxLength: MAX_URL_CHARS,
      }),
      username: usernameField,
      password: passwordField,
      intervalMs: Type.Optional(
        Type.Integer({ title: 'Interval (milliseconds)', advanced: true, ...interval, maximum: MAX_INTERVAL_MS }),
      ),
    },
    { additionalProperties: false },
  );
}

/** Settings with everything filled in. */
export type HttpSettings = {
  readonly url: CameraUrl;
  /** Path and query with credentials filled in; never logged. */
  readonly target: string;
  readonly auth: HttpAuth;
  /** `null` when not given. */
  readonly intervalMs: number | null;
};

/** Settings as stored to settings as used. @throws NvrError `bad_input` naming the field */
export function readHttpSettings(stored: DriverSettings): HttpSettings {
  const settings = stored as Static<ReturnType<typeof httpSettingsSchema>>;
  const url = parseCameraUrl(settings.url, ['http', 'https']);
  const credentials = readCredentials(stored);
  return {
    url,
    target: fillTarget(url.target, credentials),
    auth: new HttpAuth(credentials),
    intervalMs: settings.intervalMs ?? null,
  };
}

/**
 * Asks for the pictures.
 * @returns a reply of status 200, or 304 when `headers` ask for what is new
 * @throws NvrError with a sentence for the user; everything is closed by then
 */
export async function requestPictures(
  settings: HttpSettings,
  world: HttpWorld,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpReply> {
  const reply = await openHttp({ ...settings, headers }, world);
  const { status, peer } = reply;
  if (status === 200 || status === 304) return reply;
  await reply.close();
  const context = { peer, reason: status === 404 || status === 410 ? 'notFound' : 'status', status };
  if (context.reason === 'notFound') {
    throw new NvrError('unavailable', `${peer} has nothing at this path; check the path in the address`, { context });
  }
  if (status === 503 || status === 429) {
    throw new NvrError('unavailable', `${peer} is busy; close another viewer of the camera`, { context });
  }
  throw new NvrError('protocol', `${peer} answers with status ${status} instead of pictures`, { context });
}

/** A content type as a message may show it. */
export function shownType(reply: HttpReply): string {
  const type = (reply.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  return /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(type) ? type.slice(0, 60) : '';
}
