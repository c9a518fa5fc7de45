// The Dahua tunnel beside a TCP proxy that pipes and a UDP socket that echoes: throughput, added latency, processor per
// channel, sixteen channels at once. Device, tunnel and proxy are processes of their own; this one only reads.

import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { Child } from './child.ts';
import { cpuSeconds, percentile, wait } from './process-stats.ts';
import type { ProxyPorts } from './proxy-process.ts';
import { FLOOD_LINE, rateLine, type TunnelDevice } from './tunnel-device-process.ts';

const HOST = '127.0.0.1';
const MEGABYTE = 1e6;
const STAMP_BYTES = 8;
/** 8 Mbit/s: 25 pictures of 40 kB in a second. */
const PICTURE_BYTES = 40_000;
const PICTURE_MS = 40;
const CHANNEL_MEGABITS = (PICTURE_BYTES * 8) / PICTURE_MS / 1000;
const CHANNELS = 16;
/** The tunnel's window: what an echo client keeps in flight, in datagrams of the tunnel's size. */
const ECHO_BYTES = 1316;
const ECHO_IN_FLIGHT = 49;
const ECHO_LATE_MS = 200;
const WARM_UP_MS = 500;

/** Bytes that went through in a time, and what the process between cost. */
export type Throughput = { readonly megabytesPerSecond: number; readonly processorPerGigabyte: number };
/** Milliseconds from the device's write of a picture to the arrival of its last octet. */
export type TunnelLatency = { readonly p50: number; readonly p99: number };
/** Channels of 8 Mbit/s. */
export type ChannelLoad = {
  readonly channels: number;
  /** Share of what the device wanted to send that came, the worst channel and all. */
  readonly worst: number;
  readonly all: number;
  /** Of one processor, per channel. */
  readonly processorPerChannel: number;
  readonly latency: TunnelLatency;
};
/** One way through. */
export type WayFigures = {
  readonly flood: Throughput;
  readonly one: ChannelLoad;
  readonly sixteen: ChannelLoad;
};
/** All of it. */
export type TunnelFigures = {
  readonly straight: ChannelLoad;
  readonly proxy: WayFigures;
  readonly direct: WayFigures;
  readonly relay: WayFigures;
  readonly echo: Throughput;
};

type Reader = { readonly socket: Socket; bytes: number; readonly latencies: number[] };

async function open(port: number, line: string, isStamped: boolean): Promise<Reader> {
  const socket = connect({ port, host: HOST, noDelay: true });
  const reader: Reader = { socket, bytes: 0, latencies: [] };
  socket.on('error', () => {});
  const stamp = Buffer.alloc(STAMP_BYTES);
  socket.on('data', (data: Buffer) => {
    if (isStamped) readStamps(reader, data, stamp);
    reader.bytes += data.length;
  });
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write(line);
  return reader;
}

/** The last octets of each picture say when it was written. */
function readStamps({ bytes, latencies }: Reader, data: Buffer, stamp: Buffer): void {
  for (let at = 0; at < data.length; ) {
    const place = (bytes + at) % PICTURE_BYTES;
    const left = PICTURE_BYTES - STAMP_BYTES - place;
    if (left > 0) {
      at += left;
      continue;
    }
    const taken = Math.min(data.length - at, PICTURE_BYTES - place);
    data.copy(stamp, -left, at, at + taken);
    at += taken;
    if (taken - left === STAMP_BYTES) {
      latencies.push(Number(process.hrtime.bigint() - stamp.readBigUInt64BE(0)) / MEGABYTE);
    }
  }
}

async function measureFlood(port: number, pid: number, seconds: number): Promise<Throughput> {
  const reader = await open(port, FLOOD_LINE, false);
  await wait(WARM_UP_MS);
  const before = { bytes: reader.bytes, ms: performance.now(), cpu: cpuSeconds(pid) };
  await wait(seconds * 1000);
  const bytes = reader.bytes - before.bytes;
  const elapsed = (performance.now() - before.ms) / 1000;
  const cpu = cpuSeconds(pid) - before.cpu;
  reader.socket.destroy();
  return { megabytesPerSecond: bytes / MEGABYTE / elapsed, processorPerGigabyte: cpu / (bytes / 1e9) };
}

async function measureChannels(
  port: number,
  pid: number | null,
  channels: number,
  seconds: number,
): Promise<ChannelLoad> {
  const line = rateLine(PICTURE_BYTES, PICTURE_MS);
  const readers = await Promise.all(Array.from({ length: channels }, () => open(port, line, true)));
  await wait(WARM_UP_MS);
  for (const { latencies } of readers) latencies.length = 0;
  const before = { bytes: readers.map(({ bytes }) => bytes), ms: performance.now(), cpu: pid ? cpuSeconds(pid) : 0 };
  await wait(seconds * 1000);
  const elapsed = (performance.now() - before.ms) / 1000;
  const cpu = pid ? cpuSeconds(pid) - before.cpu : 0;
  const wanted = (CHANNEL_MEGABITS * MEGABYTE * elapsed) / 8;
  const shares = readers.map(({ bytes }, n) => (bytes - (before.bytes[n] ?? 0)) / wanted);
  const latencies = readers.flatMap((reader) => reader.latencies);
  for (const { socket } of readers) socket.destroy();
  return {
    channels,
    worst: Math.min(...shares),
    all: shares.reduce((sum, share) => sum + share, 0) / channels,
    processorPerChannel: cpu / elapsed / channels,
    latency: { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) },
  };
}

/** Datagrams of the tunnel's size, as many under way as its window holds; counted once, as the tunnel's bytes are. */
async function measureEcho(port: number, pid: number, seconds: number): Promise<Throughput> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const datagram = Buffer.alloc(ECHO_BYTES, 1);
  let returned = 0;
  let heardMs = performance.now();
  const send = () => socket.send(datagram, port, HOST);
  socket.on('message', () => {
    returned++;
    heardMs = performance.now();
    send();
  });
  for (let n = 0; n < ECHO_IN_FLIGHT; n++) send();
  // Loopback loses nothing unless a buffer is full; then the window would shrink for good.
  const watch = setInterval(() => {
    if (performance.now() - heardMs < ECHO_LATE_MS) return;
    for (let n = 0; n < ECHO_IN_FLIGHT; n++) send();
  }, ECHO_LATE_MS);
  await wait(WARM_UP_MS);
  const before = { returned, ms: performance.now(), cpu: cpuSeconds(pid) };
  await wait(seconds * 1000);
  const bytes = (returned - before.returned) * ECHO_BYTES;
  const elapsed = (performance.now() - before.ms) / 1000;
  const cpu = cpuSeconds(pid) - before.cpu;
  clearInterval(watch);
  socket.close();
  return { megabytesPerSecond: bytes / MEGABYTE / elapsed, processorPerGigabyte: cpu / (bytes / 1e9) };
}

async function measureWay(port: number, pid: number, seconds: number): Promise<WayFigures> {
  const flood = await measureFlood(port, pid, seconds);
  await wait(WARM_UP_MS);
  const one = await measureChannels(port, pid, 1, seconds);
  const sixteen = await measureChannels(port, pid, CHANNELS, seconds);
  await wait(WARM_UP_MS);
  return { flood, one, sixteen };
}

async function throughTunnel(relay: 'always' | 'never', seconds: number): Promise<WayFigures> {
  using device = new Child('./tunnel-device-process.ts');
  const { settings } = await device.ask<TunnelDevice>('start', { relay: relay === 'always' });
  using tunnel = new Child('./tunnel-process.ts');
  const port = await tunnel.ask<number>('start', { settings, relay });
  const figures = await measureWay(port, tunnel.pid, seconds);
  await tunnel.ask('stop');
  return figures;
}

/** Everything, one after the other. */
export async function measureTunnel({ quick = false }: { quick?: boolean }): Promise<TunnelFigures> {
  const seconds = quick ? 1.5 : 6;
  using device = new Child('./tunnel-device-process.ts');
  const { sourcePort } = await device.ask<TunnelDevice>('start', { relay: false });
  using proxyProcess = new Child('./proxy-process.ts');
  const ports = await proxyProcess.ask<ProxyPorts>('start', { target: sourcePort });
  const straight = await measureChannels(sourcePort, null, 1, seconds);
  const proxy = await measureWay(ports.tcp, proxyProcess.pid, seconds);
  const echo = await measureEcho(ports.udp, proxyProcess.pid, seconds);
  const direct = await throughTunnel('never', seconds);
  const relay = await throughTunnel('always', seconds);
  return { straight, proxy, direct, relay, echo };
}
