// `npm run simulate -- rtsp`: one simulated RTSP camera with H.264.

import { systemClock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { systemNet } from '../../net/system-net.ts';
import type { OptionTable } from '../command-line.ts';
import { AUTH_SCHEMES, type AuthScheme } from '../gate.ts';
import { commonOptions, type SimulationCommand } from '../simulation.ts';
import { loadClip } from './clip.ts';
import { RtspSimulator } from './simulator.ts';

const { host, fps, width, height, loss, seed } = commonOptions;

const options = {
  host,
  source: { ...commonOptions.source, help: 'testsrc, or a video file' },
  ...{ fps, width, height, loss, seed },
  port: { type: 'integer', default: 10_554, min: 0, max: 65535, help: 'RTSP port, 0 = any' },
  path: { type: 'text', value: 'PATH', default: '/stream1', help: 'the path of the stream' },
  auth: { type: 'text', value: 'SCHEME', default: 'none', help: AUTH_SCHEMES.join(', ') },
  username: { type: 'text', value: 'NAME', default: 'admin', help: 'user name, with --auth' },
  password: { type: 'text', value: 'TEXT', default: 'secret', help: 'password, with --auth' },
  'stall-after': { type: 'integer', default: 0, min: 0, max: 1e9, help: 'pictures, then silence; 0 = never' },
  'cut-after': { type: 'integer', default: 0, min: 0, max: 1e9, help: 'pictures, then a cut; 0 = never' },
  'lie-after': { type: 'integer', default: 0, min: 0, max: 1e9, help: 'pictures, then wrong lengths; 0 = never' },
} as const satisfies OptionTable;

/** The command for `npm run simulate`. */
export const rtspCommand: SimulationCommand<typeof options> = {
  driver: 'rtsp',
  description: 'an RTSP camera with H.264 over TCP and UDP',
  options,
  async start(values) {
    const auth = AUTH_SCHEMES.find((scheme) => scheme === values.auth) as AuthScheme | undefined;
    if (!auth) throw new NvrError('bad_input', `--auth ${values.auth}: it must be one of ${AUTH_SCHEMES.join(', ')}`);
    const path = values.path.startsWith('/') ? values.path : `/${values.path}`;
    const { username, password } = values;
    const clip = await loadClip(values);
    const simulator = await RtspSimulator.start({
      ...{
        net: systemNet,
        clock: systemClock,
        host: values.host,
        port: values.port,
        clip,
        path,
        auth,
        username,
        password,
      },
      seed: values.seed,
      faults: {
        loss: values.loss,
        ...(values['stall-after'] > 0 && { stallAfter: values['stall-after'] }),
        ...(values['cut-after'] > 0 && { cutAfter: values['cut-after'] }),
        ...(values['lie-after'] > 0 && { lyingLengthsAfter: values['lie-after'] }),
      },
    });
    const credentials = auth === 'none' ? {} : { username, password };
    return {
      cameras: [{ driver: 'rtsp', settings: { url: simulator.url, ...credentials } }],
      takeWarnings: () => [],
      setPresent: (isPresent) => void (isPresent ? simulator.comeBack() : simulator.vanish()),
      [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
    };
  },
};
