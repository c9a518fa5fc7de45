// How many connections one address may hold. Who sends slowly, or nothing, makes room for others: the connection that has
// waited longest for a whole request goes first, so that a thousand of them never keep an honest client out.

import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { addressKey } from '../../auth/doors.ts';
import type { Clock, Timer } from '../../core/clock.ts';

/** Connections of one address that are being answered. */
export const MAX_CONNECTIONS_PER_ADDRESS = 1024;
/** Connections of one address without a whole request: idle, or still sending. */
export const MAX_WAITING_PER_ADDRESS = 256;
/** The same in a burst, until the sweep comes: closing costs more than taking, so it is not done between two knocks. */
const MAX_BURST_PER_ADDRESS = 2048;
/** Connections of all. */
export const MAX_CONNECTIONS = 4096;
/** Beyond so many of all, those without a whole request go, whoever's they are. */
const CROWDED = 3500;
/** A burst of honest clients sends its requests within this; until then the smaller bound does not hold. */
const PATIENCE_MS = 2000;
/** Who is above the smaller bound after that is closed in small portions: a thousand at once would hold everybody up. */
const SWEEP_EVERY_MS = 100;
const SWEEP_PORTION = 64;

type Connection = {
  readonly socket: Socket;
  readonly place: Place;
  /** Since when it waits for a whole request; `null` while one is being answered. */
  waitingMs: number | null;
};
/** One address. `waiting` is in the order of waiting. */
type Place = { readonly key: string; count: number; readonly waiting: Set<Connection> };

/** What {@link boundConnections} needs to know. */
export type ConnectionOptions = {
  readonly clock: Clock;
  /** A proxy in front brings everybody under its own address: then only the bounds on waiting connections hold. */
  readonly behindProxy: boolean;
};

/** Installs the bounds on a server that does not listen yet. */
export function boundConnections(server: HttpServer, { clock, behindProxy }: ConnectionOptions): void {
  server.maxConnections = MAX_CONNECTIONS;
  const places = new Map<string, Place>();
  /** By address and port: under TLS a request has another socket object than its connection. */
  const connections = new Map<string, Connection>();
  /** All that wait, the longest first. */
  const waiting = new Set<Connection>();

  let sweeping: Timer | null = null;

  const wait = (connection: Connection) => {
    connection.waitingMs = clock.monoMs();
    connection.place.waiting.add(connection);
    waiting.add(connection);
    if (connection.place.waiting.size > MAX_WAITING_PER_ADDRESS) sweeping ??= clock.after(SWEEP_EVERY_MS, sweep);
  };
  const busy = (connection: Connection) => {
    connection.waitingMs = null;
    connection.place.waiting.delete(connection);
    waiting.delete(connection);
  };
  const evict = (among: Set<Connection>, minimumMs: number): boolean => {
    const [oldest] = among;
    if (!oldest || clock.monoMs() - (oldest.waitingMs ?? 0) < minimumMs) return false;
    busy(oldest);
    oldest.socket.destroy();
    return true;
  };

  /** Without it slow senders would all be closed by the time-outs of the parser, in one moment. */
  function sweep(): void {
    sweeping = null;
    let isCrowded = false;
    for (const place of places.values()) {
      for (let n = 0; n < SWEEP_PORTION && place.waiting.size > MAX_WAITING_PER_ADDRESS; n++) {
        if (!evict(place.waiting, PATIENCE_MS)) break;
      }
      isCrowded ||= place.waiting.size > MAX_WAITING_PER_ADDRESS;
    }
    if (isCrowded) sweeping = clock.after(SWEEP_EVERY_MS, sweep);
  }
  server.on('close', () => sweeping?.cancel());

  server.on('connection', (socket: Socket) => {
    const id = idOf(socket);
    if (id === null) return;
    const key = addressKey(socket.remoteAddress ?? '');
    const place = places.get(key) ?? { key, count: 0, waiting: new Set() };
    if (place.waiting.size >= MAX_WAITING_PER_ADDRESS) evict(place.waiting, PATIENCE_MS);
    if (place.waiting.size >= MAX_BURST_PER_ADDRESS || connections.size >= CROWDED)
      evict(connections.size >= CROWDED ? waiting : place.waiting, 0);
    if (place.count - place.waiting.size >= MAX_CONNECTIONS_PER_ADDRESS && !behindProxy) {
      socket.destroy();
      return;
    }
    places.set(key, place);
    place.count++;
    const connection: Connection = { socket, place, waitingMs: null };
    connections.set(id, connection);
    wait(connection);
    socket.once('close', () => {
      busy(connection);
      if (connections.get(id) === connection) connections.delete(id);
      if (--place.count === 0) places.delete(key);
    });
  });

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(idOf(request.socket) ?? '');
    if (!connection) return;
    if (hasBody(request)) request.once('end', () => busy(connection));
    else busy(connection);
    response.once('close', () => {
      if (!connection.socket.destroyed) wait(connection);
    });
  });

  server.on('upgrade', (request: IncomingMessage) => {
    const connection = connections.get(idOf(request.socket) ?? '');
    if (connection) busy(connection);
  });
}

function idOf({ remoteAddress, remotePort }: Socket): string | null {
  return remoteAddress === undefined ? null : `${remoteAddress} ${remotePort}`;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
