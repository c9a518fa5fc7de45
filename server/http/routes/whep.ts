// WebRTC by WHEP: the client posts its offer and gets an answer; the session's own address ends it. Candidates do not trickle:
// the answer has all of ours, and clients come to us.

import { isIPv4 } from 'node:net';
import Type from 'typebox';
import type { Auth } from '../../auth/auth.ts';
import { addressKey } from '../../auth/doors.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { isNvrError, NvrError } from '../../core/nvr-error.ts';
import { MAX_OFFER_BYTES } from '../../webrtc-out/limits.ts';
import type { WebrtcServer } from '../../webrtc-out/server.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { HttpProblem } from '../plugins/errors.ts';
import { requestSignal } from '../request-signal.ts';
import { CameraParams, sourceQuery } from '../schemas/common.ts';

/** What these routes work on. */
export type WhepRoutesOptions = {
  readonly fleet: Fleet;
  readonly auth: Auth;
  /** Missing: not served. */
  readonly webrtc: WebrtcServer | undefined;
};

const SDP = 'application/sdp';
const TRICKLE = 'application/trickle-ice-sdpfrag';
const access = { access: 'media' } as const;
const Source = Type.Object({ source: sourceQuery('main') });
const SessionParams = Type.Object({ camera: Type.String(), session: Type.String({ maxLength: 64 }) });

/** `/cameras/{camera}/whep` and `/cameras/{camera}/whep/{session}` */
export async function whepRoutes(app: App, { fleet, auth, webrtc }: WhepRoutesOptions): Promise<void> {
  app.addContentTypeParser<string>(
    [SDP, TRICKLE],
    { parseAs: 'string', bodyLimit: MAX_OFFER_BYTES },
    (_request, body, done) => done(null, body),
  );

  app.route({
    method: 'POST',
    url: '/cameras/:camera/whep',
    config: access,
    bodyLimit: MAX_OFFER_BYTES,
    schema: {
      tags: ['media'],
      summary: 'WebRTC (WHEP): an SDP offer gets an SDP answer; H.264, G.711 sound',
      params: CameraParams,
      querystring: Source,
      consumes: [SDP],
    } as { params: typeof CameraParams; querystring: typeof Source },
    handler: async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      const { caller, body } = request;
      if (!caller || !webrtc) throw new NvrError('unavailable', 'WebRTC is not served');
      if (typeof body !== 'string' || !/^application\/sdp\b/i.test(request.headers['content-type'] ?? '')) {
        throw new HttpProblem(415, `Send an SDP offer as ${SDP}`);
      }
      const host = request.hostname;
      const { id, answer } = await webrtc
        .open(camera, request.query.source ?? 'main', body, {
          place: addressKey(request.ip),
          reachedAt: [request.socket.localAddress ?? '', ...(isIPv4(host) ? [host] : [])],
          signal: requestSignal(request, reply),
          onRevoked: (end) => auth.revocations.onRevoked(caller, end),
        })
        .catch((error: unknown) => {
          throw isNvrError(error, 'conflict') ? new HttpProblem(406, error.message) : error;
        });
      const { token } = request.query as { token?: unknown };
      const query = typeof token === 'string' ? `?${new URLSearchParams({ token })}` : '';
      reply.header('access-control-expose-headers', 'Location');
      reply.header('cache-control', 'no-store');
      // Relative to the request: a proxy may have put a prefix in front of it.
      return reply.code(201).header('location', `whep/${id}${query}`).type(SDP).send(answer);
    },
  });

  app.route({
    method: 'DELETE',
    url: '/cameras/:camera/whep/:session',
    config: access,
    schema: { tags: ['media'], summary: 'Ends a WebRTC session', params: SessionParams },
    handler: async (request, reply) => {
      const camera = cameraOf(request, fleet, request.params.camera);
      if (!webrtc?.end(camera.id, request.params.session)) throw new NvrError('not_found', 'There is no such session');
      return reply.code(204).send();
    },
  });

  app.route({
    method: 'PATCH',
    url: '/cameras/:camera/whep/:session',
    config: access,
    schema: { tags: ['media'], summary: 'Not offered: candidates do not trickle', params: SessionParams },
    handler: async (request, reply) => {
      cameraOf(request, fleet, request.params.camera);
      reply.header('allow', 'DELETE, OPTIONS');
      throw new HttpProblem(405, 'Candidates need not be sent: the answer has all that is needed');
    },
  });
}
