// What can go wrong on the way to a device, as sentences that a user understands. `context.reason` tells them apart, and
// `context.step` says how far it got. Serial and password are never in them.

import { type ErrorCode, NvrError } from '../../core/nvr-error.ts';
import { cloudLimits } from './dialect.ts';

/** Why there is no tunnel. */
export type DahuaFailure =
  | 'serviceSilent'
  | 'serviceRefuses'
  | 'unknownSerial'
  | 'offline'
  | 'passwordNeeded'
  | 'wrongPassword'
  | 'noPath'
  | 'noRtsp'
  | 'lost'
  | 'answer';

/** How far an attempt got. */
export type DahuaStep = 'service' | 'device' | 'channel' | 'direct' | 'relay' | 'verify' | 'stream';

const UNKNOWN_SERIAL_COOL_DOWN_MS = 60_000;

type Text = { readonly code: ErrorCode; readonly text: (server: string) => string; readonly coolDownMs?: number };

const texts: Readonly<Record<DahuaFailure, Text>> = {
  serviceSilent: {
    code: 'timeout',
    text: (server) => `The service ${server} does not answer; outgoing UDP may be blocked in this network`,
  },
  serviceRefuses: { code: 'unavailable', text: (server) => `The service ${server} refuses our requests` },
  unknownSerial: {
    code: 'unavailable',
    text: (server) => `${server} does not know this serial number; check it, and that P2P is on in the device`,
    coolDownMs: UNKNOWN_SERIAL_COOL_DOWN_MS,
  },
  offline: { code: 'timeout', text: () => 'The device does not answer; it seems to be offline' },
  passwordNeeded: {
    code: 'refused',
    text: () => 'The device wants its user name and password before it can be reached',
  },
  wrongPassword: {
    code: 'refused',
    text: () => 'The device does not accept this user name and password',
    coolDownMs: cloudLimits.wrongPasswordCoolDownMs,
  },
  noPath: { code: 'unavailable', text: () => 'Neither the direct way nor the relay leads to the device' },
  noRtsp: { code: 'unavailable', text: () => 'The device was reached, but its video service does not answer' },
  lost: { code: 'unavailable', text: () => 'The tunnel to the device broke' },
  answer: { code: 'protocol', text: (server) => `${server} answered something that cannot be used` },
};

/** An error with its reason. `detail` is appended to the sentence; never text from the network. */
export function dahuaError(reason: DahuaFailure, step: DahuaStep, server: string, detail = ''): NvrError {
  const { code, text, coolDownMs } = texts[reason];
  const message = detail === '' ? text(server) : `${text(server)} (${detail})`;
  return new NvrError(code, message, { context: { reason, step }, ...(coolDownMs !== undefined && { coolDownMs }) });
}
