// `npm run simulate -- dahua-p2p`: a simulated Dahua cloud and a device with H.264 inside it, or with any TCP server.

import { isIPv4 } from 'node:net';
import { systemClock } from '../../core/clock.ts';
import { NvrError } from '../../core/nvr-error.ts';
import { seededRandom } from '../../core/random.ts';
import { noFaults } from '../../net/datagram-faults.ts';
import type { Endpoint } from '../../net/net.ts';
import { systemNet } from '../../net/system-net.ts';
import type { OptionTable } from '../command-line.ts';
import { loadClip } from '../rtsp/clip.ts';
import { RtspSimulator } from '../rtsp/simulator.ts';
import { commonOptions, type SimulationCommand } from '../simulation.ts';
import { withFaults } from './faulty-net.ts';
import { DahuaSimulator } from './simulator.ts';

const MAX_PORT = 65_535;
const { host, source, fps, width, height, loss, duplicate, reorder, delay, jitter, seed } = commonOptions;

const options = {
  ...{ host, fps, width, height, loss, duplicate, reorder, delay, jitter, seed },
  source: { ...source, help: 'testsrc, or a video file' },
  port: { type: 'integer', default: 8800, min: 0, max: MAX_PORT, help: 'port of the main server, 0 = any' },
  target: { type: 'text', value: 'HOST:PORT', default: '', help: 'a TCP server to find in the device instead of RTSP' },
  serial: { type: 'text', value: 'SERIAL', default: 'SIMULATED000001', help: 'serial number' },
  username: { type: 'text', value: 'NAME', default: 'admin', help: 'user name' },
  password: { type: 'text', value: 'TEXT', default: 'secret', help: 'password' },
  'device-auth': { type: 'flag', help: 'wants the password in the signalling too (type 1)' },
  'no-direct': { type: 'flag', help: 'drops everything on the direct way' },
  'dead-agents': { type: 'integer', default: 0, min: 0, max: 100, help: 'the first agents forward nothing' },
  'signalling-loss': {
    type: 'number',
    default: 0,
    min: 0,
    max: 1,
    help: 'share of the datagrams of cloud and agents that is lost',
  },
  unauthorized: { type: 'integer', default: 0, min: 0, max: 100, help: 'the first requests get 401' },
  'clock-offset': { type: 'integer', default: 0, min: -1e8, max: 1e8, help: 'seconds that the cloud’s clock is ahead' },
  unknown: { type: 'flag', help: 'the cloud does not know the device (404)' },
  'no-answer': { type: 'flag', help: 'the device never answers p2p-channel (offline)' },
  'confirm-after': { type: 'integer', default: 5, min: 0, max: 60_000, help: 'ms until the device joins the relay' },
  'dead-relay': { type: 'flag', help: 'no agent forwards anything' },
  'silent-dispatcher': { type: 'flag', help: 'no agents are given out' },
  'refuse-realms': { type: 'integer', default: 0, min: 0, max: 1e6, help: 'the first connections are refused' },
  'mute-realms': { type: 'integer', default: 0, min: 0, max: 1e6, help: 'the first connections say nothing' },
  'no-heartbeat': { type: 'flag', help: 'the device sends no heartbeats' },
  'lie-after': {
    ...{ type: 'integer', default: 0, min: 0, max: 1e6 },
    help: 'after so many messages of a connection, one announces more than follows; 0 = never',
  },
  chatty: { type: 'flag', help: 'doubled, unknown and stray messages now and then' },
  dialect: { type: 'text', value: 'NAME', default: 'both', help: 'plain, sign, both' },
  packed: { type: 'flag', help: 'fills segments across message borders under load' },
  channels: { type: 'integer', default: 1, min: 1, max: 64, help: 'channels of the device, as of a recorder' },
  lease: { type: 'integer', default: 1800, min: 1, max: 86_400, help: 'seconds that an agent lives' },
} as const satisfies OptionTable;

const SALT = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const DIALECTS = ['plain', 'sign', 'both'] as const;

/** The command for `npm run simulate`. */
export const dahuaCommand: SimulationCommand<typeof options> = {
  driver: 'dahua-p2p',
  description: 'a Dahua cloud, relay and device with H.264, all on one address',
  options,
  async start(values) {
    const { username, password, serial, seed } = values;
    const dialect = DIALECTS.find((each) => each === values.dialect);
    if (!dialect)
      throw new NvrError('bad_input', `--dialect ${values.dialect}: it must be one of ${DIALECTS.join(', ')}`);
    await using parts = new AsyncDisposableStack();
    let target = readTarget(values.target);
    if (!target) {
      const clip = await loadClip(values);
      const path = '/cam/realmonitor';
      const rtsp = await RtspSimulator.start({
        ...{ net: systemNet, clock: systemClock, host: values.host, port: 0, clip, path },
        ...{ auth: 'digest-md5-old', username, password, seed, channels: values.channels },
      });
      parts.use(rtsp);
      target = { address: values.host, port: rtsp.port };
    }
    const faults = {
      ...noFaults,
      ...{ loss: values.loss, duplicate: values.duplicate, reorder: values.reorder },
      ...{ delayMs: values.delay, jitterMs: values.jitter },
    };
    const simulator = await DahuaSimulator.start({
      ...{ clock: systemClock, host: values.host, port: values.port, serial, username, password, seed, dialect },
      net: withFaults(systemNet, systemClock, { ...noFaults, loss: values['signalling-loss'] }, seededRandom(seed + 1)),
      deviceNet: withFaults(systemNet, systemClock, faults, seededRandom(seed)),
      targets: new Map([[554, target]]),
      randSalt: SALT,
      auth: values['device-auth'] ? 'required' : 'none',
      packing: values.packed ? 'packed' : 'aligned',
      leaseSeconds: values.lease,
      ...(values['no-heartbeat'] && { heartbeatMs: 0 }),
      faults: {
        isDirectBlocked: values['no-direct'],
        deadAgents: values['dead-agents'],
        unauthorized: values.unauthorized,
        clockOffsetSeconds: values['clock-offset'],
        isUnknown: values.unknown,
        trying: values['no-answer'] ? 'only' : 'once',
        confirmAfterMs: values['confirm-after'],
        isRelayDead: values['dead-relay'],
        isDispatcherSilent: values['silent-dispatcher'],
        refuseBinds: values['refuse-realms'],
        muteRealms: values['mute-realms'],
        lieAfterMessages: values['lie-after'],
        isChatty: values.chatty,
      },
    });
    parts.use(simulator);
    const held = parts.move();
    return {
      cameras: [{ driver: 'dahua-p2p', settings: simulator.settings }],
      takeWarnings: () => [],
      setPresent: (isPresent) => void (isPresent ? simulator.comeBack() : simulator.vanish()),
      [Symbol.asyncDispose]: () => held.disposeAsync(),
    };
  },
};

function readTarget(text: string): Endpoint | null {
  if (text === '') return null;
  const [address = '', port = ''] = text.split(':');
  if (!isIPv4(address) || !/^\d{1,5}$/.test(port) || Number(port) > MAX_PORT) {
    throw new NvrError('bad_input', `--target ${text}: it must be an IPv4 address and a port`);
  }
  return { address, port: Number(port) };
}
