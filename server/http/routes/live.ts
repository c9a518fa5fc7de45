// `WS /api/live`: pictures of a whole grid over one socket. The messages are in `design/live-protocol.md`.

import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import type { Caller } from '../../auth/caller.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { LiveFeeds } from '../../live/live-feeds.ts';
import { CLOSE } from '../../live/live-message.ts';
import { type FindCamera, LiveSession, type LiveSocket } from '../../live/live-session.ts';
import { LiveSessions } from '../../live/live-sessions.ts';
import type { App } from '../app.ts';
import { cameraOf } from '../camera-of.ts';
import { originOf } from '../plugins/auth.ts';
import type { OnRefused } from '../refused-credentials.ts';
import { SocketCounts } from '../socket-counts.ts';

/** What this route works on. */
export type LiveRoutesOptions = {
  readonly fleet: Fleet;
  readonly feeds: LiveFeeds;
  readonly auth: Auth;
  readonly onRefused: OnRefused;
};

/** `/api/live`. The auth hook has recognized the caller if the upgrade said who it is, and ignores pages of other origins. */
export async function liveRoutes(app: App, { fleet, feeds, auth, onRefused }: LiveRoutesOptions): Promise<void> {
  const sessions = new LiveSessions(feeds);
  feeds.onClose(() => sessions.close());

  const schema = { hide: true } as object;
  const config = { access: 'public', identify: true } as const;
  const counts = new SocketCounts();
  // Before the upgrade, so that who has too many gets an answer in HTTP.
  const preValidation = async (request: FastifyRequest) => counts.check(request.ip, request.caller === null);
  app.get('/api/live', { websocket: true, exposeHeadRoute: false, schema, config, preValidation }, (ws, request) => {
    try {
      counts.check(request.ip, request.caller === null); // again: several may have come at once
    } catch (error) {
      ws.close(CLOSE.flood, (error as Error).message);
      return;
    }
    const counted = counts.open(request.ip);
    const stops: (() => void)[] = [];
    const admit = (caller: Caller): FindCamera => {
      counted.admitted();
      stops.push(auth.revocations.onRevoked(caller, () => session.end(CLOSE.unauthenticated, 'Signed out')));
      return (ref, source) => cameraOf({ caller }, fleet, ref).view(source);
    };
    const byToken = (token: string) => {
      const caller = auth.authenticator.byToken(token, originOf(request));
      if (!caller) onRefused(request, null, 'wrong');
      return caller && admit(caller);
    };
    const session = new LiveSession(feeds, socketOf(ws, request), byToken);
    ws.on('message', (data, isBinary) => session.receive(isBinary ? null : String(data)));
    ws.on('pong', () => session.heard());
    ws.on('close', () => {
      counted.closed();
      sessions.remove(session);
      for (const stop of stops) stop();
    });
    sessions.add(session);
    if (request.caller) session.admit(admit(request.caller));
  });
}

function socketOf(ws: WebSocket, request: FastifyRequest): LiveSocket {
  const { socket } = request.raw;
  return {
    get waitingBytes() {
      return ws.bufferedAmount;
    },
    sendText: (text) => ws.send(text),
    sendPicture(head, jpeg, onSent) {
      // Two fragments of one message: the picture is not copied behind its head. Corked, so that they leave as one.
      socket.cork();
      ws.send(head, { binary: true, fin: false });
      ws.send(jpeg, { binary: true, fin: true }, onSent);
      socket.uncork();
    },
    ping: () => ws.ping(),
    close: (code, reason) => ws.close(code, reason.slice(0, 100)),
    terminate: () => ws.terminate(),
  };
}
