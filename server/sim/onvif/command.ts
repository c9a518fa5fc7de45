// `npm run simulate -- onvif`: one simulated ONVIF device with a large and a small H.264 stream.

import { systemClock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { systemNet } from '../../net/system-net.ts';
import type { OptionTable } from '../command-line.ts';
import { loadClip } from '../rtsp/clip.ts';
import { RtspSimulator } from '../rtsp/simulator.ts';
import { commonOptions, type SimulationCommand } from '../simulation.ts';
import { type OnvifAuth, OnvifSimulator } from './simulator.ts';

const AUTHS = ['token', 'digest', 'none'] as const satisfies readonly OnvifAuth[];
/** Each side of the small stream is that much shorter; H.264 wants even ones. */
const SMALLER = 2;
const even = (pixels: number) => Math.max(16, 2 * Math.round(pixels / SMALLER / 2));

const { host, fps, width, height, seed } = commonOptions;

const options = {
  host,
  source: { ...commonOptions.source, help: 'testsrc, or a video file' },
  ...{ fps, width, height, seed },
  port: { type: 'integer', default: 8000, min: 0, max: 65535, help: 'ONVIF port, 0 = any' },
  'discovery-port': {
    ...{ type: 'integer', default: 0, min: 0, max: 65535 },
    help: 'where it hears searches: 3702 with multicast, as cameras do; 0 = any, without multicast',
  },
  auth: { type: 'text', value: 'SCHEME', default: 'token', help: AUTHS.join(', ') },
  username: { type: 'text', value: 'NAME', default: 'admin', help: 'user name, of ONVIF and of the streams' },
  password: { type: 'text', value: 'TEXT', default: 'secret', help: 'password, of ONVIF and of the streams' },
} as const satisfies OptionTable;

/** The command for `npm run simulate`. */
export const onvifCommand: SimulationCommand<typeof options> = {
  driver: 'onvif',
  description: 'an ONVIF device with two H.264 streams',
  options,
  async start(values) {
    const auth = AUTHS.find((scheme) => scheme === values.auth);
    if (!auth) throw new NvrError('bad_input', `--auth ${values.auth}: it must be one of ${AUTHS.join(', ')}`);
    const { username, password, fps: frameRate } = values;
    const world = { net: systemNet, clock: systemClock, host: values.host, username, password };
    const scheme = auth === 'none' ? 'none' : 'digest-md5';
    await using parts = new AsyncDisposableStack();
    const stream = async (path: string, size: { width: number; height: number }) => {
      const clip = await loadClip({ ...values, ...size });
      const simulator = await RtspSimulator.start({ ...world, port: 0, clip, path, auth: scheme, seed: values.seed });
      return parts.use(simulator);
    };
    const sizes = [values, { width: even(values.width), height: even(values.height) }] as const;
    const main = await stream('/main', sizes[0]);
    const sub = await stream('/sub', sizes[1]);
    const common = { codec: 'H264', frameRate, bitRate: 0 } as const;
    const device = parts.use(
      await OnvifSimulator.start({
        ...{ ...world, auth, port: values.port, discoveryPort: values['discovery-port'] },
        profiles: [
          {
            ...common,
            token: 'main',
            name: 'MainStream',
            width: sizes[0].width,
            height: sizes[0].height,
            url: main.url,
          },
          { ...common, token: 'sub', name: 'SubStream', ...sizes[1], url: sub.url },
        ],
      }),
    );
    const held = parts.move();
    const credentials = auth === 'none' ? {} : { username, password };
    const source = ({ url }: RtspSimulator) => ({ driver: 'rtsp', settings: { url, ...credentials } });
    const at = `${values.host}:${device.port}`;
    const found = `PERCH_DISCOVERY_TARGETS=${values.host}:${device.discoveryPort}`;
    const notes = [`ONVIF by address: ${at}; a Perch with ${found} finds it`];
    return {
      cameras: [{ ...source(main), subSource: source(sub) }],
      takeWarnings: () => notes.splice(0),
      setPresent: (isPresent) => {
        for (const each of [main, sub]) void (isPresent ? each.comeBack() : each.vanish());
      },
      [Symbol.asyncDispose]: () => held.disposeAsync(),
    };
  },
};
