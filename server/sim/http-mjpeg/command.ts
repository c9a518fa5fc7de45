// `npm run simulate -- http-mjpeg` and `-- http-snapshot`: one simulated camera with a web server.

import { systemClock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { systemNet } from '../../net/system-net.ts';
import type { OptionTable } from '../command-line.ts';
import { AUTH_SCHEMES } from '../gate.ts';
import { openPictures } from '../picture-source.ts';
import { commonOptions, type SimulationCommand } from '../simulation.ts';
import { HttpCameraSimulator } from './simulator.ts';
import { MJPEG_STYLES } from './styles.ts';

const { host, source, fps, width, height, seed } = commonOptions;

const options = {
  ...{ host, source, fps, width, height, seed },
  port: { type: 'integer', default: 8080, min: 0, max: 65535, help: 'HTTP port, 0 = any' },
  style: {
    type: 'text',
    value: 'STYLE',
    default: 'standard',
    help: `how the stream is written: ${MJPEG_STYLES.join(', ')}`,
  },
  auth: { type: 'text', value: 'SCHEME', default: 'none', help: AUTH_SCHEMES.join(', ') },
  username: { type: 'text', value: 'NAME', default: 'admin', help: 'user name, with --auth' },
  password: { type: 'text', value: 'TEXT', default: 'secret', help: 'password, with --auth' },
  slow: { type: 'integer', default: 0, min: 0, max: 60_000, help: 'milliseconds that each snapshot takes' },
  'stall-after': { type: 'integer', default: 0, min: 0, max: 1e9, help: 'pictures, then silence; 0 = never' },
  'cut-after': { type: 'integer', default: 0, min: 0, max: 1e9, help: 'pictures, then a cut; 0 = never' },
} as const satisfies OptionTable;

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined)
    throw new NvrError('bad_input', `--${name} ${value}: it must be one of ${allowed.join(', ')}`);
  return found;
}

function command(driver: string, description: string, path: string): SimulationCommand<typeof options> {
  return {
    ...{ driver, description, options },
    async start(values, onPicturesEnd) {
      const style = oneOf('style', values.style, MJPEG_STYLES);
      const auth = oneOf('auth', values.auth, AUTH_SCHEMES);
      const { username, password } = values;
      await using resources = new AsyncDisposableStack();
      const pictures = resources.use(await openPictures({ ...values, onEnd: onPicturesEnd }));
      const simulator = resources.use(
        await HttpCameraSimulator.start({
          ...{ net: systemNet, clock: systemClock, host: values.host, port: values.port, fps: values.fps, pictures },
          ...{ style, auth, username, password },
          faults: {
            slowMs: values.slow,
            ...(values['stall-after'] > 0 && { stallAfter: values['stall-after'] }),
            ...(values['cut-after'] > 0 && { cutAfter: values['cut-after'] }),
          },
        }),
      );
      const owned = resources.move();
      const credentials = auth === 'none' ? {} : { username, password };
      return {
        cameras: [{ driver, settings: { url: simulator.origin + path, ...credentials } }],
        takeWarnings: () => [],
        setPresent: (isPresent) => void (isPresent ? simulator.comeBack() : simulator.vanish()),
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      };
    },
  };
}

/** The command for MJPEG. */
export const httpMjpegCommand = command('http-mjpeg', 'a camera with MJPEG over HTTP', '/video.mjpg');
/** The command for snapshots. */
export const httpSnapshotCommand = command('http-snapshot', 'a camera with single pictures over HTTP', '/snapshot.jpg');
