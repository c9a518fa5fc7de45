// `npm run simulate -- iwfcam`: one or many simulated IWFCam cameras.

import { isIPv4 } from 'node:net';
import { NvrError } from '../../core/nvr-error.ts';
import {
  DISCOVERY_PORT,
  FRAGMENT_BYTES,
  type Identity,
  MAX_PAYLOAD_BYTES,
  ZERO_IDENTITY,
} from '../../drivers/iwfcam/wire.ts';
import { isUnicastIpv4 } from '../../net/ipv4.ts';
import { systemNet } from '../../net/system-net.ts';
import type { OptionTable, OptionValues } from '../command-line.ts';
import { openPictures } from '../picture-source.ts';
import { commonOptions, type Simulation, type SimulationCommand } from '../simulation.ts';
import { burstPace, FACTORY_PASSWORD, type IwfcamSimulatorOptions, smoothPace } from './options.ts';
import { IwfcamSimulator } from './simulator.ts';

const MAX_PORT = 65535;

const options = {
  ...commonOptions,
  port: { type: 'integer', default: DISCOVERY_PORT, min: 0, max: MAX_PORT, help: 'discovery port, 0 = any' },
  'media-port': {
    type: 'integer',
    default: 0,
    min: 0,
    max: MAX_PORT,
    help: 'media port, 0 = any, as on a real camera',
  },
  count: {
    type: 'integer',
    default: 1,
    min: 1,
    max: 250,
    help: 'cameras: on consecutive loopback addresses, elsewhere on consecutive ports',
  },
  uid: {
    type: 'text',
    value: 'UID',
    default: '',
    help: 'made from the address unless given; of several the last digits count up',
  },
  name: { type: 'text', value: 'NAME', default: 'IPCAM', help: 'the name that it reports' },
  password: { type: 'text', value: 'TEXT', default: FACTORY_PASSWORD, help: 'access password' },
  'cloud-id': {
    type: 'text',
    value: 'A,B,C',
    default: '',
    help: 'three numbers: refuses logins with another identity (result 1)',
  },
  'no-audio': { type: 'flag', help: 'no microphone' },
  slots: { type: 'integer', default: 2, min: 1, max: 8, help: 'clients at a time' },
  steal: { type: 'flag', help: 'a login without a free slot takes over slot 1 instead of being refused' },
  'silent-login': { type: 'flag', help: 'never answers a login, but streams' },
  'no-live-answer': { type: 'flag', help: 'never answers a live request, but streams' },
  'ignore-close': { type: 'flag', help: 'keeps a session that was closed until it times out' },
  'stream-to-source': { type: 'flag', help: 'media goes to the source of the login, not to the address in it' },
  slow: { type: 'number', default: 0, min: 0, max: 1, help: 'share of control packets that it ignores' },
  busy: {
    type: 'number',
    default: 0,
    min: 0,
    max: 10_000,
    help: 'milliseconds without attention after each control packet',
  },
  'timeout-scale': {
    type: 'number',
    default: 1,
    min: 0.01,
    max: 100,
    help: 'factor for the timeouts of the device (6 s, 45 s, 15 s)',
  },
  'vendor-acks': { type: 'flag', help: 'stops after 8 frames without acknowledgement, resends, answers NAK' },
  'renew-media-port': { type: 'flag', help: 'another media port after the last session' },
  'no-head': { type: 'flag', help: 'fragment 0 does not announce count and length' },
  'fragment-bytes': {
    type: 'integer',
    default: FRAGMENT_BYTES,
    min: 64,
    max: MAX_PAYLOAD_BYTES,
    help: 'size of a fragment',
  },
  'first-frame': {
    type: 'integer',
    default: 0,
    min: 0,
    max: 0xffff,
    help: 'first value of the media counter (65520 shows its wrap)',
  },
  smooth: { type: 'flag', help: 'no bursts' },
  hostile: { type: 'flag', help: 'known bad packets between the good ones' },
} as const satisfies OptionTable;

type Values = OptionValues<typeof options>;

/** Address and port of camera number `index`. */
function placeOf({ host, port }: Values, index: number): { host: string; port: number } {
  if (!host.startsWith('127.')) return { host, port: port === 0 ? 0 : port + index };
  const number = host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + index;
  return { host: [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.'), port };
}

/** 7 letters, 12 and 6 hexadecimal digits, as printed on cameras; different for every address and port. */
function uidOf(given: string, place: { host: string; port: number }, index: number): string {
  if (given !== '') {
    const [, head = '', digits = ''] = /^(.*?)([0-9A-Fa-f]{0,6})$/.exec(given) ?? [];
    if (index === 0) return given;
    return (
      head +
      (Number.parseInt(digits || '0', 16) + index)
        .toString(16)
        .toUpperCase()
        .padStart(digits.length || 6, '0')
    );
  }
  const hex = (value: number, width: number) => value.toString(16).toUpperCase().padStart(width, '0');
  return `SIMULAT-${place.host
    .split('.')
    .map((part) => hex(Number(part), 2))
    .join('')}${hex(place.port, 4)}-000001`;
}

function readCloudId(text: string): Identity {
  if (text === '') return ZERO_IDENTITY;
  const [a, b, c, ...more] = text.split(',').map(Number);
  const isU32 = (value: number | undefined) => Number.isInteger(value) && value! >= 0 && value! <= 0xffffffff;
  if (more.length === 0 && isU32(a) && isU32(b) && isU32(c)) return [a!, b!, c!];
  throw new NvrError('bad_input', `--cloud-id ${text}: it must be three numbers such as 7,287454020,2571`);
}

function simulatorOptions(values: Values, index: number): IwfcamSimulatorOptions {
  const place = placeOf(values, index);
  return {
    net: systemNet,
    ...place,
    mediaPort: values['media-port'],
    uid: uidOf(values.uid, place, index),
    name: values.name,
    password: values.password,
    cloudId: readCloudId(values['cloud-id']),
    fps: values.fps,
    audio: !values['no-audio'],
    firstFrameIndex: values['first-frame'],
    fragmentBytes: values['fragment-bytes'],
    frameHead: !values['no-head'],
    pace: values.smooth ? smoothPace : burstPace,
    slots: values.slots,
    whenFull: values.steal ? 'steal' : 'refuse',
    timeScale: values['timeout-scale'],
    loginResponse: !values['silent-login'],
    liveAnswer: !values['no-live-answer'],
    ignoreClose: values['ignore-close'],
    streamToSource: values['stream-to-source'],
    renewMediaPort: values['renew-media-port'],
    slow: { ignore: values.slow, busyMs: values.busy },
    acks: values['vendor-acks'] ? 'vendor' : 'off',
    hostile: values.hostile,
    faults: {
      loss: values.loss,
      duplicate: values.duplicate,
      reorder: values.reorder,
      garbage: values.garbage,
      corrupt: values.corrupt,
      delayMs: values.delay,
      jitterMs: values.jitter,
    },
    seed: values.seed + index,
  };
}

/** The command for `npm run simulate`. */
export const iwfcamCommand: SimulationCommand<typeof options> = {
  driver: 'iwfcam',
  description: 'a WiFi camera of the IWFCam app: JPEG pictures and sound over UDP',
  options,
  async start(values, onPicturesEnd): Promise<Simulation> {
    if (!isIPv4(values.host) || !isUnicastIpv4(values.host)) {
      throw new NvrError(
        'bad_input',
        `--host ${values.host}: it must be one IPv4 address of this machine, such as 127.0.0.2`,
      );
    }
    const { host: last, port: lastPort } = placeOf(values, values.count - 1);
    if (!isUnicastIpv4(last) || last.startsWith('127.') !== values.host.startsWith('127.') || lastPort > MAX_PORT) {
      throw new NvrError(
        'bad_input',
        `--count ${values.count}: there are not so many addresses or ports after the first`,
      );
    }
    // Checked before ffmpeg is started for nothing.
    const all = Array.from({ length: values.count }, (_, index) => simulatorOptions(values, index));
    await using resources = new AsyncDisposableStack();
    const { source, width, height, fps, seed } = values;
    const pictures = resources.use(await openPictures({ source, width, height, fps, seed, onEnd: onPicturesEnd }));
    const simulators: IwfcamSimulator[] = [];
    for (const each of all) simulators.push(resources.use(await IwfcamSimulator.start({ ...each, pictures })));
    const owned = resources.move();
    let warned = 0;
    return {
      cameras: simulators.map(({ settings }) => ({ driver: 'iwfcam', settings })),
      takeWarnings() {
        const refused = simulators.reduce((sum, { stats }) => sum + stats.claimsRefused, 0);
        if (refused === warned) return [];
        warned = refused;
        return [
          `refused ${refused} logins that claimed an address outside the network of ${values.host} (advertiseAddress)`,
        ];
      },
      setPresent(isPresent) {
        for (const simulator of simulators) isPresent ? simulator.comeBack() : simulator.vanish();
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};
