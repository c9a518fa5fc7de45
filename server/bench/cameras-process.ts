// Simulated cameras in a process of their own: 127.0.1.1, 127.0.1.2, ... on any free port.

import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { burstPace } from '../sim/iwfcam/options.ts';
import { IwfcamSimulator } from '../sim/iwfcam/simulator.ts';
import { answer } from './child.ts';

const HOSTS_PER_NET = 250;
const cameras: IwfcamSimulator[] = [];
let pictures: CountedPictures | null = null;

/** What to simulate. Sizes of pictures vary between the two. */
export type CameraLoad = {
  readonly count: number;
  readonly fps: number;
  readonly minBytes: number;
  readonly maxBytes: number;
};
/** Where a camera is. */
export type CameraPlace = { readonly host: string; readonly port: number };
/** What the cameras did so far. */
export type CameraCounts = { readonly framesSent: number; readonly framesSkipped: number; readonly streaming: number };

answer({
  async add({ count, fps, minBytes, maxBytes }: CameraLoad): Promise<CameraPlace[]> {
    pictures ??= new CountedPictures({ minBytes, maxBytes, count: 64 });
    const places: CameraPlace[] = [];
    for (let i = 0; i < count; i++) {
      const number = cameras.length;
      const host = `127.0.${1 + Math.floor(number / HOSTS_PER_NET)}.${1 + (number % HOSTS_PER_NET)}`;
      const uid = `SIMULAT-0123456789AB-${String(number).padStart(6, '0')}`;
      const camera = await IwfcamSimulator.start({
        ...{ net: systemNet, clock: systemClock, host, uid, fps, pictures, pace: burstPace, seed: number + 1 },
      });
      cameras.push(camera);
      places.push({ host, port: camera.discoveryPort });
    }
    return places;
  },
  /** UDP ports to which the cameras stream. */
  clientPorts: (): (number | null)[] => cameras.map((camera) => camera.slots[0]?.client.port ?? null),
  counts(): CameraCounts {
    const sum = (of: (camera: IwfcamSimulator) => number) => cameras.reduce((total, camera) => total + of(camera), 0);
    return {
      framesSent: sum((camera) => camera.stats.framesSent),
      framesSkipped: sum((camera) => camera.stats.framesSkipped),
      streaming: sum((camera) => camera.slots.length),
    };
  },
});
