// Simulated RTSP cameras in a process of their own: 127.0.30.1, 127.0.30.2, ... on any free port, all with the same clip.

import { systemClock } from '../core/clock.ts';
import { systemNet } from '../net/system-net.ts';
import { type Clip, loadClip } from '../sim/rtsp/clip.ts';
import { RtspSimulator } from '../sim/rtsp/simulator.ts';
import { answer } from './child.ts';
import { COUNTER_FILTER } from './counter-strip.ts';

/** What to simulate. */
export type RtspLoad = {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seconds: number;
  readonly bitRate?: number;
  /** Pictures carry their number, see `counter-strip.ts`. */
  readonly counted?: boolean;
};
/** What is there now. */
export type RtspCameras = {
  readonly urls: readonly string[];
  readonly bitRate: number;
  readonly pictures: number;
};

const cameras: RtspSimulator[] = [];
/** When each picture of the first camera was last sent, by its number in the clip; see {@link clockMs}. */
const sentMs: number[] = [];

/** A clock that all processes of a machine share. */
const clockMs = () => Number(process.hrtime.bigint()) / 1e6;

const bytesOf = ({ pictures }: Clip) =>
  pictures.reduce((sum, { units }) => sum + units.reduce((all, unit) => all + unit.length, 0), 0);

answer({
  async start({ count, counted = false, ...picture }: RtspLoad): Promise<RtspCameras> {
    const clip = await loadClip({ source: 'testsrc', ...picture, ...(counted && { filter: COUNTER_FILTER }) });
    const onPicture = (number: number) => {
      sentMs[number % clip.pictures.length] = clockMs();
    };
    for (let n = 0; n < count; n++) {
      const camera = await RtspSimulator.start({
        ...{ net: systemNet, clock: systemClock, host: `127.0.30.${n + 1}`, port: 0, clip },
        ...(n === 0 && { onPicture }),
      });
      cameras.push(camera);
    }
    const pictures = clip.pictures.length;
    return { urls: cameras.map(({ url }) => url), bitRate: (bytesOf(clip) * 8 * clip.fps) / pictures, pictures };
  },
  /** Pictures that the first camera has sent to somebody. */
  pictures: () => cameras[0]?.stats.pictures ?? 0,
  sentMs: () => sentMs,
});
