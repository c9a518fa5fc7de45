// Opens an RTSP session on any socket address: for this driver, and for drivers that reach their device in another way (a
// tunnel that ends on a loopback port).

import { NvrError } from '../../core/nvr-error.ts';
import { type Credentials, HttpAuth } from '../../net/http-auth.ts';
import type { Endpoint } from '../../net/net.ts';
import type { CameraSession, DriverContext } from '../driver.ts';
import { defaultPolicies, type RtspPolicies } from './policies.ts';
import { RtspSession, type RtspTransportKind } from './session.ts';

/** Where to dial and what to say there. */
export type RtspSource = {
  /** The socket to connect to; may be another one than `requestUrl` names. Checked by the caller. */
  readonly endpoint: Endpoint;
  /** TLS with this server name. */
  readonly tls?: { readonly serverName: string };
  /** `rtsp://host[:port]/path` as the device expects to hear it, without user information. */
  readonly requestUrl: string;
  readonly credentials: Credentials | null;
  readonly transport: RtspTransportKind;
  /** How messages call the device; `address:port` unless given. */
  readonly peer?: string;
  readonly policies?: Partial<RtspPolicies>;
};

/**
 * Connects, describes, sets up, plays. Resolves when the camera has accepted PLAY.
 * @throws NvrError `refused`, `unavailable`, `timeout`, `protocol`, `cancelled`; `context.reason` says more (failures.ts)
 */
export async function openRtsp(source: RtspSource, context: DriverContext): Promise<CameraSession> {
  const { endpoint, tls, requestUrl, credentials, transport } = source;
  const peer = source.peer ?? `${endpoint.address}:${endpoint.port}`;
  if (/^[a-z]+:\/\/[^/?#]*@/i.test(requestUrl)) {
    throw new NvrError('internal', 'An RTSP address with user information reached the driver');
  }
  const stream = await context.net.streams.connect({ ...endpoint, signal: context.signal, ...(tls && { tls }) });
  context.step?.('connected');
  const policies = { ...defaultPolicies, ...source.policies };
  const session = new RtspSession(
    { stream, requestUrl, auth: new HttpAuth(credentials), peer, transport, policies },
    context,
  );
  await session.start();
  return session;
}
