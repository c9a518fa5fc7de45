// Prometheus text. The only place that knows Prometheus: domain objects keep plain counters, read here at each scrape.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Caller } from '../../auth/caller.ts';
import { maySee } from '../../auth/caller.ts';
import type { Camera } from '../../cameras/camera.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { CameraState, CameraStatus, SubStatus } from '../../core/camera-status.ts';
import type { App } from '../app.ts';
import { NoQuery } from '../schemas/common.ts';

/** What this route works on. */
export type MetricsRoutesOptions = { readonly fleet: Fleet };

const states: readonly CameraState[] = ['disabled', 'connecting', 'live', 'coolingDown', 'backingOff', 'refused'];

type Measure<S = CameraStatus> = { readonly name: string; readonly help: string; readonly read: (status: S) => number };

const gauges: readonly Measure[] = [
  { name: 'perch_camera_up', help: '1 while pictures arrive', read: (s) => Number(s.state === 'live') },
  { name: 'perch_camera_frame_rate', help: 'Frames per second over the last seconds', read: (s) => s.frameRate },
  { name: 'perch_camera_bits_per_second', help: 'Bits per second over the last seconds', read: (s) => s.bitRate },
  { name: 'perch_camera_viewers', help: 'Open live views', read: (s) => s.viewers },
  { name: 'perch_camera_recording', help: '1 while a recording is being written', read: (s) => Number(s.recording) },
  {
    name: 'perch_camera_last_frame_timestamp_seconds',
    help: 'Time of the newest frame; 0 before the first',
    read: (s) => (s.lastFrameAt ?? 0) / 1000,
  },
];

const counters: readonly Measure[] = [
  { name: 'perch_camera_frames_received_total', help: 'Frames received whole', read: (s) => s.framesReceived },
  { name: 'perch_camera_frames_dropped_total', help: 'Frames that arrived incomplete', read: (s) => s.framesDropped },
  { name: 'perch_camera_bytes_received_total', help: 'Bytes of frames', read: (s) => s.bytesReceived },
  { name: 'perch_camera_reconnects_total', help: 'Connections made again', read: (s) => s.reconnects },
];

/** Of cameras that have a second source. */
const subGauges: readonly Measure<SubStatus>[] = [
  { name: 'perch_camera_sub_up', help: '1 while the sub stream delivers', read: (s) => Number(s.state === 'live') },
  {
    name: 'perch_camera_sub_shown',
    help: '1 while its viewers see it, not the main one',
    read: (s) => Number(s.shown),
  },
  { name: 'perch_camera_sub_frame_rate', help: 'Frames per second of the sub stream', read: (s) => s.frameRate },
  { name: 'perch_camera_sub_bits_per_second', help: 'Bits per second of the sub stream', read: (s) => s.bitRate },
  { name: 'perch_camera_sub_viewers', help: 'Those who look at the sub stream', read: (s) => s.viewers },
];

const subCounters: readonly Measure<SubStatus>[] = [
  { name: 'perch_camera_sub_frames_received_total', help: 'Frames of the sub stream', read: (s) => s.framesReceived },
  { name: 'perch_camera_sub_bytes_received_total', help: 'Bytes of the sub stream', read: (s) => s.bytesReceived },
  { name: 'perch_camera_sub_reconnects_total', help: 'Sub stream connections made again', read: (s) => s.reconnects },
];

/** `GET /metrics`. The process's own figures are for who may see all cameras. */
export async function metricsRoutes(app: App, { fleet }: MetricsRoutesOptions): Promise<void> {
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  app.addHook('onClose', async () => process.clear());

  app.get(
    '/metrics',
    {
      config: { access: 'viewer' },
      schema: { tags: ['system'], summary: 'Prometheus text', querystring: NoQuery, produces: ['text/plain'] },
    },
    async (request, reply) => {
      const caller = request.caller as Caller;
      const cameras = cameraRegistry(fleet.all().filter((camera) => maySee(caller, camera.id)));
      const registry = caller.cameras === null ? Registry.merge([process, cameras]) : cameras;
      return reply.header('content-type', registry.contentType).send(await registry.metrics());
    },
  );
}

function cameraRegistry(cameras: readonly Camera[]): Registry {
  const registry = new Registry();
  const labelNames = ['camera'];
  const statuses = cameras.map((camera) => ({ camera: camera.slug, status: camera.status() }));
  for (const { name, help, read } of gauges) {
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const { camera, status } of statuses) gauge.set({ camera }, read(status));
  }
  for (const { name, help, read } of counters) {
    const counter = new Counter({ name, help, labelNames, registers: [registry] });
    for (const { camera, status } of statuses) counter.inc({ camera }, read(status));
  }
  const subs = statuses.flatMap(({ camera, status }) => (status.sub ? [{ camera, sub: status.sub }] : []));
  for (const { name, help, read } of subs.length > 0 ? subGauges : []) {
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const { camera, sub } of subs) gauge.set({ camera }, read(sub));
  }
  for (const { name, help, read } of subs.length > 0 ? subCounters : []) {
    const counter = new Counter({ name, help, labelNames, registers: [registry] });
    for (const { camera, sub } of subs) counter.inc({ camera }, read(sub));
  }
  const state = new Gauge({
    name: 'perch_camera_state',
    help: '1 for the state that the camera is in',
    labelNames: ['camera', 'state'],
    registers: [registry],
  });
  for (const { camera, status } of statuses) {
    for (const name of states) state.set({ camera, state: name }, Number(status.state === name));
  }
  return registry;
}
