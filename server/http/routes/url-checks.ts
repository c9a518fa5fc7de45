// "Does it work?": Perch opens a camera's addresses itself, as the program would that they are meant for.

import Type from 'typebox';
import type { Fleet } from '../../cameras/fleet.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { CameraParams, Nullable, problems, strict } from '../schemas/common.ts';

const MAX_TOKEN_LENGTH = 200;
/** Longest wait for the first bytes: an encoder that starts on a busy small machine takes seconds. */
const LIVE_LIMIT_MS = 15_000;
/** Of a camera that is away only pictures that say so can come, and those come at once. */
const AWAY_LIMIT_MS = 3000;

/** One address to try, and what is known of the listener. */
export type UrlToCheck = { readonly kind: 'http' | 'rtsp'; readonly path: string };
/** As whom, and where. */
export type UrlCheckAsker = {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly token: string;
  readonly limitMs: number;
};
/** What came of it. */
export type UrlCheckResult = {
  readonly ok: boolean;
  readonly status: number | null;
  readonly firstByteMs: number;
  readonly detail: string;
};

/** What this route works on. */
export type UrlCheckRoutesOptions = {
  readonly fleet: Fleet;
  /** Tries one address; never rejects. */
  readonly check: (target: UrlToCheck, asker: UrlCheckAsker) => Promise<UrlCheckResult>;
};

/** For a server that cannot open its own addresses (tests of the routes alone). */
export const notChecked: UrlCheckRoutesOptions['check'] = async () => ({
  ...{ ok: false, status: null, firstByteMs: 0, detail: 'not checked' },
});

const UrlCheck = Type.Object({
  path: Type.String({ description: 'Path of the address; RTSP paths begin with rtsp:' }),
  ok: Type.Boolean(),
  status: Nullable(Type.Integer()),
  firstByteMs: Type.Integer(),
  detail: Type.String(),
});
const UrlCheckInput = Type.Object({ token: Type.String({ minLength: 1, maxLength: MAX_TOKEN_LENGTH }) }, strict);

/** `POST /api/cameras/{camera}/url-checks` */
export async function urlCheckRoutes(app: App, { fleet, check }: UrlCheckRoutesOptions): Promise<void> {
  // Each check may start an encoder: one at a time is what a person needs.
  let isBusy = false;
  app.post(
    '/api/cameras/:camera/url-checks',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['cameras'],
        summary: "Open the camera's media addresses from the server, with a token, and say which answer",
        params: CameraParams,
        body: UrlCheckInput,
        response: { 200: Type.Array(UrlCheck), ...problems },
      },
    },
    async (request) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      if (isBusy) throw new NvrError('conflict', 'Addresses are being checked already; wait for the result');
      const listening = app.server.address();
      if (typeof listening !== 'object' || listening === null)
        throw new NvrError('unavailable', 'Perch is not listening');
      const { address, port } = listening;
      const { state, audio } = camera.status();
      const limitMs = state === 'live' ? LIVE_LIMIT_MS : AWAY_LIMIT_MS;
      const asker = { address: reachable(address), port, host: request.host, token: request.body.token, limitMs };
      const at = `/cameras/${encodeURIComponent(camera.slug)}`;
      const media = ['mjpeg', 'frames', 'snapshot.jpg', 'live.mp4', 'hls/index.m3u8'];
      if (audio) media.push('audio.wav');
      const targets: UrlToCheck[] = [
        ...media.map((name) => ({ kind: 'http', path: `${at}/${name}` }) as const),
        { kind: 'rtsp', path: `/${encodeURIComponent(camera.slug)}` },
      ];
      isBusy = true;
      try {
        return await Promise.all(
          targets.map(async (target) => ({
            path: target.kind === 'rtsp' ? `rtsp:${target.path}` : target.path,
            ...(await check(target, asker)),
          })),
        );
      } finally {
        isBusy = false;
      }
    },
  );
}

/** A wildcard cannot be dialled everywhere; loopback of the same family can. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}
