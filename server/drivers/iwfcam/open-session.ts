// From settings to a running session: name to address, the kept port, then the dial.

import { isNvrError, NvrError } from '../../core/nvr-error.ts';
import { checkCameraHost } from '../../net/address-rules.ts';
import type { UdpSocket } from '../../net/net.ts';
import type { DriverContext } from '../driver.ts';
import { limits, timing } from './dialect.ts';
import type { Handshake } from './machine-types.ts';
import { type IwfcamMemory, readMemory } from './memory.ts';
import { IwfcamSession } from './session.ts';
import type { IwfcamSettings } from './settings.ts';

/** Dials one camera. @throws NvrError when it does not answer; by then every socket is closed again */
export async function openSession(settings: IwfcamSettings, context: DriverContext): Promise<IwfcamSession> {
  const memory = readMemory(context.memory.load());
  const host = settings.host === null ? null : await resolveHost(settings.host, context);
  const wantedPort = settings.localPort ?? memory?.localPort ?? 0;
  const socket = await bindKept(wantedPort, context);
  let session: IwfcamSession;
  try {
    const localPort = socket.local.port;
    const isKept = memory?.localPort === localPort;
    const remember = (id: number, mediaPort: number, address: string) =>
      save({ localPort, session: id, mediaPort, host: address }, context);
    if (!isKept) remember(0, 0, memory?.host ?? '');
    const handshake = handshakeOf(settings, host, memory, isKept, context);
    const { advertiseAddress } = settings;
    session = new IwfcamSession({ socket, handshake, advertiseAddress, remember }, context);
  } catch (error) {
    await socket.close();
    throw error;
  }
  try {
    await session.dial();
  } catch (error) {
    const isPortLost = memory && memory.session > 0 && memory.localPort !== socket.local.port;
    throw isPortLost ? shortenedCoolDown(error, context) : error;
  }
  return session;
}

/**
 * The slot that is in the way belongs to a port that is not ours any more, so nothing that we send keeps it alive: its
 * silence began when the process before this one ended, at monotonic zero at the latest.
 */
function shortenedCoolDown(error: unknown, { clock }: DriverContext): unknown {
  if (!isNvrError(error) || error.coolDownMs === undefined) return error;
  const coolDownMs = Math.max(timing.minCoolDownMs, error.coolDownMs - clock.monoMs());
  return new NvrError(error.code, error.message, { cause: error, context: error.context, coolDownMs });
}

/** A registry that cannot be written (a full disk) costs the kept port, not the stream. */
function save(memory: IwfcamMemory, context: DriverContext): void {
  try {
    context.memory.save(memory);
  } catch (error) {
    context.log.debug({ err: error }, 'The session could not be remembered');
  }
}

function handshakeOf(
  settings: IwfcamSettings,
  host: string | null,
  memory: IwfcamMemory | null,
  isPortKept: boolean,
  context: DriverContext,
): Handshake {
  const lastHost = memory && memory.host !== '' ? [memory.host] : [];
  const addresses = host === null ? [...lastHost, ...context.net.broadcastAddresses()] : [host];
  if (addresses.length === 0) {
    throw new NvrError('unavailable', 'The camera’s address is not known and there is no local network to search');
  }
  // From another port the camera would not know the old session as ours.
  const open = isPortKept && memory && memory.session > 0 ? memory : null;
  return {
    uid: settings.uid,
    host,
    probe: addresses.map((address) => ({ address, port: settings.port })),
    discoveryPort: settings.port,
    token: settings.token,
    oldSession: open && { address: open.host, mediaPort: open.mediaPort, session: open.session },
  };
}

async function resolveHost(host: string, context: DriverContext): Promise<string> {
  const { signal, net } = context;
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const onAbort = () =>
    aborted.reject(new NvrError('cancelled', 'Cancelled while resolving', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    const address = await Promise.race([aborted.promise, net.resolve(host)]);
    checkCameraHost(host, address, 'host');
    return address;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The same port as last time, so that the device reuses our slot; any port when somebody else has it now. */
async function bindKept(port: number, context: DriverContext): Promise<UdpSocket> {
  const options = { receiveBufferBytes: limits.receiveBufferBytes, broadcast: true };
  try {
    return await context.net.openUdp({ ...options, port });
  } catch (error) {
    if (port === 0 || !isNvrError(error)) throw error;
    context.log.debug({ port }, 'The kept UDP port is not free; taking another');
    return context.net.openUdp(options);
  }
}
