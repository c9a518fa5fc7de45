// The question that reaches the device, `p2p-channel`: without its password, or with a proof of it when it wants one
// (sections 4.1, 5 and 5.4).

import { isNvrError } from '../../core/nvr-error.ts';
import type { AttemptContext } from './attempt.ts';
import { type NatInfo, readNatInfo } from './decide.ts';
import { choices } from './dialect.ts';
import { dahuaError } from './failures.ts';
import { askFacts, type Located } from './locate.ts';
import {
  channelBody0,
  channelBody1,
  complementAddresses,
  DEFAULT_RANDSALT,
  type DeviceLogin,
  deviceKey,
  formatIdentify,
} from './wire.ts';

/** What the device answered, and how it had to be asked. */
export type Channel = {
  readonly info: NatInfo;
  readonly type: 0 | 1;
  /** `null` for type 0. */
  readonly login: DeviceLogin | null;
};

/** Salts that may be right, in the order to try them, each once. */
class Salts {
  readonly #context: AttemptContext;
  readonly #located: Located;
  #left: string[];
  #isAskedAgain = false;

  constructor(context: AttemptContext, located: Located) {
    this.#context = context;
    this.#located = located;
    const own = context.settings.randSalt ?? located.facts.salt;
    // Without a published one: the vendor's default, and then none.
    this.#left = own === null ? [DEFAULT_RANDSALT, ''] : [own];
    this.#isAskedAgain = context.settings.randSalt !== null || located.userSide === null;
  }

  get first(): string {
    return this.#left[0]!;
  }

  /** The device refused the first one. It may publish another by now, or one at last. @returns whether one is left */
  async next(): Promise<boolean> {
    const refused = this.#left.shift();
    if (!this.#isAskedAgain) {
      this.#isAskedAgain = true;
      const { salt } = await askFacts(this.#context, this.#located.userSide!, this.#context.signal);
      if (salt !== null) this.#left = salt === refused ? [] : [salt];
    }
    return this.#left.length > 0;
  }
}

/**
 * Asks the device for a channel. `identify`: ours, also of the STUN that follows.
 * @throws NvrError with the reasons of failures.ts, `cancelled`; NextProfile
 */
export async function openChannel(
  context: AttemptContext,
  located: Located,
  identify: Uint8Array,
  firstType: 0 | 1,
): Promise<Channel> {
  const { settings, signal, net, onStep, talk, a, profile } = context;
  const { serial, version } = settings;
  const { username = '', password = '' } = settings.credentials ?? {};
  const local = `${await net.localAddressFor(located.main.address)}:${a.port}`;
  const shown = choices.ipEncrypt === 'complement' ? complementAddresses(local) : local;
  const shownIdentify = formatIdentify(identify, false);
  const salts = new Salts(context, located);
  const question = {
    asked: 'p2p-channel',
    step: 'channel',
    path: `/device/${serial}/p2p-channel`,
    server: located.main,
  } as const;
  let type = firstType;
  for (;;) {
    const login = type === 1 ? { username, password, randSalt: salts.first } : null;
    const body = (freshness: { nonce: number; createDate: number }) =>
      login
        ? channelBody1(shownIdentify, local, login, freshness, version)
        : channelBody0(shownIdentify, shown, choices.ipEncrypt, version);
    const { action, response } = await talk.ask(a, { ...question, type, body }, signal).catch((error) => {
      throw isNvrError(error, 'timeout') ? dahuaError('offline', 'channel', profile.server) : error;
    });
    if (action === 'SWITCH_TO_TYPE_1') {
      type = 1;
    } else if (action === 'REFRESH_SALT_AND_RETRY') {
      if (!(await salts.next())) throw dahuaError('wrongPassword', 'channel', profile.server, 'salt');
    } else if (action === 'DONE' && response) {
      const key = login && deviceKey(login.username, login.password, login.randSalt);
      const info = await readNatInfo(response.body ?? new Map(), key);
      onStep('channel', { type, version: info.version });
      return { info, type, login };
    } else {
      throw dahuaError('answer', 'channel', profile.server);
    }
  }
}
