// The handshake as a table: in this state, at this event, this state and these packets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NvrError } from '../../core/nvr-error.ts';
import { dialect, timing } from './dialect.ts';
import { next } from './machine.ts';
import type { Effect, Event, Handshake, State } from './machine-types.ts';
import {
  type DiscoveryItem,
  encodeAnswer,
  encodeCommand,
  encodeDeviceClosing,
  encodeDiscoveryResponse,
  encodeLiveAnswer,
  encodeLoginResponse,
  type Identity,
  parsePacket,
  ZERO_IDENTITY,
} from './wire.ts';

const camera = '192.168.1.20';
const discovery = { address: camera, port: 10104 };
const media = { address: camera, port: 32100 };
const announced = { address: '192.168.1.2', port: 41773 };
const peer = { address: camera, mediaPort: 32100, uid: 'CAM-1' };
const handshake: Handshake = {
  uid: null,
  host: camera,
  probe: [discovery],
  discoveryPort: 10104,
  token: '9e8040834b3a',
  oldSession: null,
};
const params = { width: 0, height: 0, fps: 0, videoFormat: '', audioChannels: 0, audioRate: 0, audioBits: 0 };
const watch = { mediaMs: -1, pictureMs: -1, strangeSinceMs: -1, strangeMs: -1 };
const error = new NvrError('cancelled', 'enough');

const item = (changes: Partial<DiscoveryItem> = {}): DiscoveryItem => ({
  identity: ZERO_IDENTITY,
  publicAddress: '0.0.0.0',
  publicPort: 0,
  lanPort: 32100,
  lanAddress: camera,
  uid: 'CAM-1',
  webPort: 0,
  ...changes,
});

function packet(bytes: Uint8Array, from = media, nowMs = 0): Event {
  const parsed = parsePacket(bytes);
  if (typeof parsed === 'string' || parsed.kind === 'media') throw new Error('not a control packet');
  return { kind: 'packet', packet: parsed, from, nowMs };
}

const login = (result: number, session: number, identity: Identity = ZERO_IDENTITY, from = media) =>
  packet(
    encodeLoginResponse({
      identity,
      result,
      session,
      publicAddress: '0.0.0.0',
      publicPort: 0,
      lanPort: 32100,
      lanAddress: camera,
      online: 1,
      name: 'IPCAM',
      authorization: 1,
    }),
    from,
  );

const timer = (nowMs: number, changes = {}): Event => ({ kind: 'timer', nowMs, watch: { ...watch, ...changes } });
const fail: Event = { kind: 'fail', error, nowMs: 0 };

const at = {
  discovering: (tries = 1): State => ({ kind: 'discovering', tries, stranger: null, deadlineMs: 1000 }),
  routing: { kind: 'routing', peer } as State,
  closingOld: { kind: 'closingOld', peer, announced, deadlineMs: 300 } as State,
  login: (changes = {}): State => ({
    kind: 'login',
    peer,
    announced,
    identity: ZERO_IDENTITY,
    isLearned: false,
    round: 1,
    isSent: true,
    deadlineMs: 1000,
    ...changes,
  }),
  starting: (changes = {}): State => ({
    kind: 'starting',
    peer,
    announced,
    session: 2,
    isAssumed: false,
    tries: 1,
    isAnswered: false,
    startedMs: 0,
    sentMs: 0,
    deadlineMs: 500,
    ...changes,
  }),
  streaming: (changes = {}): State => ({
    kind: 'streaming',
    peer,
    session: 2,
    startedMs: 0,
    sentMs: 0,
    isBurstSent: false,
    noticeMs: null,
    deadlineMs: 500,
    ...changes,
  }),
  leaving: (session: number | null): State => ({ kind: 'leaving', peer, session, reason: error, deadlineMs: 334 }),
  ended: { kind: 'ended', reason: error } as State,
};

/** An effect as one word or two. */
function name(effect: Effect): string {
  if (effect.kind !== 'send') return effect.kind === 'remember' ? `remember ${effect.session}` : effect.kind;
  const sent = parsePacket(effect.bytes);
  if (typeof sent === 'string') return sent;
  const copies = effect.atMs.length === 1 ? '' : ` x${effect.atMs.length}`;
  switch (sent.kind) {
    case 'loginRequest':
      return `login ${sent.identity.join('.')}${copies}`;
    case 'command':
      return sent.type === 0 ? `live ${sent.session}/${sent.data[4]}${copies}` : `close ${sent.session}${copies}`;
    case 'answer':
      return `answer ${sent.session}/${sent.type}${copies}`;
    default:
      return sent.kind + copies;
  }
}

type Row = {
  readonly it: string;
  readonly state: State;
  readonly event: Event;
  readonly with?: Partial<Handshake>;
  readonly kind: State['kind'] | 'same';
  readonly effects?: readonly string[];
  readonly code?: string;
  readonly coolDownMs?: number;
  readonly fields?: object;
};

const found = encodeDiscoveryResponse([item()]);
const full = timing.coolDownMs;
const oldSession = { address: camera, mediaPort: 32100, session: 4 };
const closeMe = encodeCommand(2, 'close');

// biome-ignore format: one row a line
const table: readonly Row[] = [
  { it: 'start probes', state: { kind: 'idle' }, event: { kind: 'start', nowMs: 0 }, kind: 'discovering', effects: ['discoveryRequest'] },
  { it: 'an answer leads on', state: at.discovering(), event: packet(found, discovery), kind: 'routing', effects: ['route'] },
  { it: 'an answer from another port is none', state: at.discovering(), event: packet(found, media), kind: 'same' },
  { it: 'an answer from another host is none', state: at.discovering(), event: packet(found, { ...discovery, address: '192.168.1.66' }), kind: 'same' },
  { it: 'by UID any host may answer', with: { host: null, uid: 'CAM-1' }, state: at.discovering(), event: packet(found, { ...discovery, address: '192.168.1.66' }), kind: 'routing', effects: ['route'] },
  { it: 'another UID is noted', with: { uid: 'OTHER' }, state: at.discovering(), event: packet(found, discovery), kind: 'discovering', fields: { stranger: 'CAM-1' } },
  { it: 'media port 0 is no answer', state: at.discovering(), event: packet(encodeDiscoveryResponse([item({ lanPort: 0 })]), discovery), kind: 'discovering' },
  { it: 'the probe is repeated', state: at.discovering(), event: timer(1000), kind: 'discovering', effects: ['discoveryRequest'], fields: { tries: 2 } },
  { it: 'an early timer is ignored', state: at.discovering(), event: timer(999), kind: 'same' },
  { it: 'five probes are enough', state: at.discovering(5), event: timer(1000), kind: 'ended', effects: ['close'], code: 'timeout' },
  { it: 'a stranger at the address', with: { uid: 'OTHER' }, state: { ...at.discovering(5), stranger: 'CAM-1' } as State, event: timer(1000), kind: 'ended', effects: ['close'], code: 'unavailable' },

  { it: 'login', state: at.routing, event: { kind: 'routed', announced, nowMs: 0 }, kind: 'login', effects: ['login 0.0.0 x2'] },
  { it: 'an old session is closed first', with: { oldSession }, state: at.routing, event: { kind: 'routed', announced, nowMs: 0 }, kind: 'closingOld', effects: ['close 4 x2'] },
  { it: 'not on a new media port', with: { oldSession: { ...oldSession, mediaPort: 1 } }, state: at.routing, event: { kind: 'routed', announced, nowMs: 0 }, kind: 'login', effects: ['login 0.0.0 x2'] },
  { it: 'not on another camera', with: { oldSession: { ...oldSession, address: '192.168.1.3' } }, state: at.routing, event: { kind: 'routed', announced, nowMs: 0 }, kind: 'login', effects: ['login 0.0.0 x2'] },
  { it: "the device's own close ends the wait", state: at.closingOld, event: packet(encodeCommand(4, 'close')), kind: 'login', effects: ['login 0.0.0 x2'] },
  { it: 'its answer alone does not: the close follows', state: at.closingOld, event: packet(encodeAnswer(4, 3, 1)), kind: 'same' },
  { it: 'nobody answers the close', state: at.closingOld, event: timer(300), kind: 'login', effects: ['login 0.0.0 x2'] },

  { it: 'accepted', state: at.login(), event: login(0, 2), kind: 'starting', effects: ['remember 2', 'live 2/3 x2', 'opened'], fields: { session: 2, isAssumed: false } },
  { it: 'accepted, from the discovery port', state: at.login(), event: login(0, 2, ZERO_IDENTITY, discovery), kind: 'starting', effects: ['remember 2', 'live 2/3 x2', 'opened'] },
  { it: 'accepted by somebody else', state: at.login(), event: login(0, 2, ZERO_IDENTITY, { address: '192.168.1.66', port: 32100 }), kind: 'same' },
  { it: 'session 0 is no session', state: at.login(), event: login(0, 0), kind: 'ended', effects: ['close'], code: 'unavailable' },
  { it: 'a negative session is none', state: at.login(), event: login(0, 0xffffffff), kind: 'ended', effects: ['close'], code: 'unavailable' },
  { it: 'full', state: at.login(), event: login(2, 0), kind: 'ended', effects: ['close'], code: 'unavailable', coolDownMs: full },
  { it: 'unknown result', state: at.login(), event: login(77, 0), kind: 'ended', effects: ['close'], code: 'unavailable', coolDownMs: full },
  { it: 'wrong password', state: at.login(), event: login(3, 0), kind: 'ended', effects: ['close'], code: 'refused' },
  { it: 'wrong identity: wait with the right one', state: at.login(), event: login(1, 0, [7, 8, 9]), kind: 'login', fields: { identity: [7, 8, 9], isLearned: true, isSent: false, deadlineMs: timing.identityRetryMs } },
  { it: 'the copy of the refusal is ignored', state: at.login({ isLearned: true, isSent: false }), event: login(1, 0, [7, 8, 9]), kind: 'same' },
  { it: 'then log in with it', state: at.login({ identity: [7, 8, 9], isLearned: true, isSent: false }), event: timer(1000), kind: 'login', effects: ['login 7.8.9 x2'], fields: { isSent: true, round: 1 } },
  { it: 'refused again', state: at.login({ isLearned: true }), event: login(1, 0, [7, 8, 9]), kind: 'ended', effects: ['close'], code: 'unavailable' },
  { it: 'no answer: again', state: at.login(), event: timer(1000), kind: 'login', effects: ['login 0.0.0 x2'], fields: { round: 2 } },
  { it: 'no answer three times: assume', state: at.login({ round: 3 }), event: timer(1000), kind: 'starting', effects: [`live ${dialect.assumedSession}/3 x2`], fields: { isAssumed: true } },

  { it: 'media', state: at.starting(), event: { kind: 'media', session: 2, nowMs: 9 }, kind: 'streaming' },
  { it: 'media confirms a guess', state: at.starting({ isAssumed: true }), event: { kind: 'media', session: 5, nowMs: 9 }, kind: 'streaming', effects: ['remember 5', 'opened'], fields: { session: 5 } },
  { it: 'a late login answer corrects a guess', state: at.starting({ isAssumed: true }), event: login(0, 3), kind: 'starting', effects: ['remember 3', 'live 3/3 x2', 'opened'], fields: { session: 3, isAssumed: false } },
  { it: 'a late refusal ends a guess', state: at.starting({ isAssumed: true }), event: login(3, 0), kind: 'ended', effects: ['close'], code: 'refused' },
  { it: 'the copy of an acceptance is ignored', state: at.starting(), event: login(0, 2), kind: 'same' },
  { it: 'unanswered: live again', state: at.starting(), event: timer(500), kind: 'starting', effects: ['live 2/3 x2'], fields: { tries: 2 } },
  { it: 'parameters with mask 0 are no answer', state: at.starting(), event: packet(encodeLiveAnswer(2, 0, params)), kind: 'same' },
  { it: 'the answer', state: at.starting(), event: packet(encodeLiveAnswer(2, 3, params)), kind: 'starting', fields: { isAnswered: true } },
  { it: 'answered: wait', state: at.starting({ isAnswered: true }), event: timer(500), kind: 'starting', effects: [] },
  { it: 'answered: heartbeat', state: at.starting({ isAnswered: true }), event: timer(2000), kind: 'starting', effects: ['live 2/3 x2'] },
  { it: 'no media', state: at.starting(), event: timer(3000), kind: 'leaving', effects: ['live 2/0 x2', 'close 2 x2'], code: 'timeout', coolDownMs: full },
  { it: 'closed at once', state: at.starting(), event: packet(closeMe), kind: 'ended', effects: ['answer 2/3', 'remember null', 'close'], code: 'unavailable' },

  { it: 'nothing due', state: at.streaming({ sentMs: 1000 }), event: timer(1500, { mediaMs: 1490, pictureMs: 1490 }), kind: 'streaming', effects: [] },
  { it: 'heartbeat', state: at.streaming(), event: timer(2000, { mediaMs: 1990, pictureMs: 1990 }), kind: 'streaming', effects: ['live 2/3 x2'], fields: { sentMs: 2000 } },
  { it: 'no picture for 5 s', state: at.streaming({ sentMs: 4500 }), event: timer(5000, { mediaMs: 4990 }), kind: 'streaming', effects: ['live 2/3 x2'], fields: { isBurstSent: true } },
  { it: 'once', state: at.streaming({ sentMs: 5000, isBurstSent: true }), event: timer(5500), kind: 'streaming', effects: [] },
  { it: 'no picture for 9 s', state: at.streaming({ sentMs: 8999 }), event: timer(9000, { mediaMs: 8999 }), kind: 'leaving', effects: ['live 2/0 x2', 'close 2 x2'], code: 'timeout' },
  { it: 'another session only', state: at.streaming({ sentMs: 4000 }), event: timer(4500, { pictureMs: 1000, strangeSinceMs: 1500, strangeMs: 4490 }), kind: 'leaving', effects: ['live 2/0 x2', 'close 2 x2'], code: 'unavailable' },
  { it: 'one stray packet, then silence', state: at.streaming({ sentMs: 4000 }), event: timer(4500, { pictureMs: 1000, strangeSinceMs: 1500, strangeMs: 1500 }), kind: 'streaming', effects: [] },
  { it: 'looks again for the heartbeat', state: at.streaming({ sentMs: 0 }), event: timer(1800, { mediaMs: 1790, pictureMs: 1790 }), kind: 'streaming', effects: [], fields: { deadlineMs: 2000 } },
  { it: 'closing notice', state: at.streaming(), event: packet(encodeDeviceClosing()), kind: 'streaming', fields: { noticeMs: 0 } },
  { it: 'notice and silence', state: at.streaming({ sentMs: 1000, noticeMs: 1000 }), event: timer(2000, { mediaMs: 900, pictureMs: 900 }), kind: 'leaving', effects: ['live 2/0 x2', 'close 2 x2'], code: 'unavailable' },
  { it: 'notice and media', state: at.streaming({ sentMs: 1000, noticeMs: 1000 }), event: timer(2000, { mediaMs: 1900, pictureMs: 1900 }), kind: 'streaming', fields: { noticeMs: null }, effects: [] },
  { it: 'the camera closes', state: at.streaming(), event: packet(closeMe), kind: 'ended', effects: ['answer 2/3', 'remember null', 'close'], code: 'unavailable' },
  { it: 'it closes another session', state: at.streaming(), event: packet(encodeCommand(1, 'close')), kind: 'same' },
  { it: 'a close from the discovery port', state: at.streaming(), event: packet(closeMe, discovery), kind: 'same' },

  { it: 'stop while streaming', state: at.streaming(), event: fail, kind: 'leaving', effects: ['live 2/0 x2', 'close 2 x2'], code: 'cancelled' },
  { it: 'stop while starting', state: at.starting(), event: fail, kind: 'leaving', effects: ['live 2/0 x2', 'close 2 x2'], code: 'cancelled' },
  { it: 'stop while logging in', state: at.login(), event: fail, kind: 'leaving', effects: [], code: 'cancelled' },
  { it: 'stop before the retry', state: at.login({ isSent: false }), event: fail, kind: 'ended', effects: ['close'], code: 'cancelled' },
  { it: 'stop while discovering', state: at.discovering(), event: fail, kind: 'ended', effects: ['close'], code: 'cancelled' },
  { it: 'stop while idle', state: { kind: 'idle' }, event: fail, kind: 'ended', effects: ['close'], code: 'cancelled' },
  { it: 'accepted while leaving', state: at.leaving(null), event: login(0, 6), kind: 'leaving', effects: ['live 6/0 x2', 'close 6 x2'] },
  { it: 'refused while leaving', state: at.leaving(null), event: login(2, 0), kind: 'ended', effects: ['close'], code: 'cancelled' },
  { it: 'goodbye answered', state: at.leaving(2), event: packet(encodeAnswer(2, 3, 1)), kind: 'ended', effects: ['remember null', 'close'], code: 'cancelled' },
  { it: 'goodbye not answered', state: at.leaving(2), event: timer(334), kind: 'ended', effects: ['close'], code: 'cancelled' },
  { it: 'the first reason stays', state: at.leaving(2), event: { kind: 'fail', error: new NvrError('internal', 'other'), nowMs: 0 }, kind: 'same' },
  { it: 'the end is the end', state: at.ended, event: login(0, 1), kind: 'same' },
];

for (const row of table) {
  test(`${row.state.kind}: ${row.it}`, () => {
    const { state, effects } = next({ ...handshake, ...row.with }, row.state, row.event);
    if (row.kind === 'same') assert.equal(state, row.state);
    else assert.equal(state.kind, row.kind);
    assert.deepEqual(effects.map(name), row.effects ?? []);
    if (row.code) {
      assert.ok('reason' in state);
      assert.equal(state.reason.code, row.code);
      assert.equal(state.reason.coolDownMs, row.coolDownMs);
    }
    for (const [key, value] of Object.entries(row.fields ?? {})) {
      assert.deepEqual((state as unknown as Record<string, unknown>)[key], value, key);
    }
  });
}

test('a heartbeat whose time does not add up exactly in floating point is due all the same', () => {
  for (let n = 0; n < 1000; n++) {
    const sentMs = n * 0.1 + 0.30000000000000004;
    const before = at.streaming({ sentMs });
    const nowMs = sentMs + timing.heartbeatMs;
    const { effects } = next(handshake, before, timer(nowMs, { mediaMs: nowMs, pictureMs: nowMs }));
    assert.equal(effects.length, 1, `sent at ${sentMs}`);
  }
});
