// Answers to `WWW-Authenticate` in HTTP and RTSP: Basic (RFC 7617) and Digest (RFC 7616, and RFC 2069 without qop as old
// cameras have it). Pure but for random numbers. The strongest scheme that was offered is used.

import { createHash, randomBytes } from 'node:crypto';
import { NvrError } from '../core/nvr-error.ts';

/** User name and password. */
export type Credentials = { readonly username: string; readonly password: string };

type Challenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };
type Digest = {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly hash: 'md5' | 'sha256';
  /** As the server spelled it, `undefined` when it did not. */
  readonly algorithm: string | undefined;
  readonly isSession: boolean;
  readonly hasQop: boolean;
};
type Answer = { readonly kind: 'basic' } | { readonly kind: 'digest'; readonly digest: Digest };

const MAX_CHALLENGE_CHARS = 8192;
/** Answers without a success; a server that calls every nonce stale must not keep us busy. */
const MAX_TRIES = 3;
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+/i;

/**
 * Reads the challenges of one or several header values, separated by line feeds.
 * A comma separates both parameters and challenges; a name without `=` begins a challenge.
 */
export function parseChallenges(text: string): Challenge[] {
  const challenges: Challenge[] = [];
  for (const line of text.slice(0, MAX_CHALLENGE_CHARS).split('\n')) {
    // Parts of it go back in a header of ours.
    let rest = line.replace(/\p{Cc}/gu, ' ');
    let current: Map<string, string> | null = null;
    while (rest !== '') {
      rest = rest.replace(/^[\s,]+/, '');
      const name = TOKEN.exec(rest)?.[0];
      if (name === undefined) break;
      rest = rest.slice(name.length);
      const value = /^\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/.exec(rest);
      if (value && current) {
        current.set(name.toLowerCase(), value[1]?.replace(/\\(.)/g, '$1') ?? value[2] ?? '');
        rest = rest.slice(value[0].length);
      } else if (value) break;
      else {
        current = new Map();
        challenges.push({ scheme: name.toLowerCase(), parameters: current });
      }
    }
  }
  return challenges;
}

/** The credentials of one camera and what its server last asked for. */
export class HttpAuth {
  readonly #credentials: Credentials | null;
  readonly #isBasicAllowed: boolean;
  #answer: Answer | null = null;
  #count = 0;
  #tries = 0;
  #wasAccepted = false;

  /** @param basic `refused`: the password is never sent in clear, whatever the server asks for */
  constructor(credentials: Credentials | null, basic: 'allowed' | 'refused' = 'allowed') {
    this.#credentials = credentials;
    this.#isBasicAllowed = basic === 'allowed';
  }

  /** Whether there is anything to answer with. */
  get hasCredentials(): boolean {
    return this.#credentials !== null;
  }

  /**
   * Takes the challenge of a 401.
   * @returns whether another try makes sense: the first time, and when only the nonce ran out
   */
  challenge(header: string | undefined): boolean {
    if (!this.#credentials || header === undefined) return false;
    const found = chooseAnswer(parseChallenges(header));
    if (!found || (found.answer.kind === 'basic' && !this.#isBasicAllowed)) return false;
    const makesSense = this.#answer === null || found.isStale || this.#wasAccepted;
    this.#answer = found.answer;
    this.#count = 0;
    this.#wasAccepted = false;
    return makesSense && this.#tries++ < MAX_TRIES;
  }

  /** The credentials were accepted: the next 401 is about the nonce. */
  accepted(): void {
    this.#wasAccepted = this.#answer !== null;
    this.#tries = 0;
  }

  /** The Authorization header of a request, or `null` before the first challenge. */
  header(method: string, uri: string): string | null {
    if (!this.#credentials || !this.#answer) return null;
    const { username, password } = this.#credentials;
    if (this.#answer.kind === 'basic') return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    return this.#digest(this.#credentials, this.#answer.digest, method, uri);
  }

  #digest({ username, password }: Credentials, digest: Digest, method: string, uri: string): string {
    const { realm, nonce, opaque, hash, algorithm, isSession, hasQop } = digest;
    const of = (text: string) => createHash(hash).update(text, 'utf8').digest('hex');
    this.#count++;
    const count = this.#count.toString(16).padStart(8, '0');
    const cnonce = randomBytes(8).toString('hex');
    const plain = of(`${username}:${realm}:${password}`);
    const first = isSession ? of(`${plain}:${nonce}:${cnonce}`) : plain;
    const second = of(`${method}:${uri}`);
    const response = of(hasQop ? `${first}:${nonce}:${count}:${cnonce}:auth:${second}` : `${first}:${nonce}:${second}`);
    const parts = [
      ...[`username=${quote(username)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`, `uri=${quote(uri)}`],
      ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
      `response="${response}"`,
      ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
      ...(hasQop ? ['qop=auth', `nc=${count}`] : []),
      ...(hasQop || isSession ? [`cnonce="${cnonce}"`] : []),
    ];
    return `Digest ${parts.join(', ')}`;
  }
}

const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;

function chooseAnswer(challenges: readonly Challenge[]): { answer: Answer; isStale: boolean } | null {
  const digests = challenges
    .filter(({ scheme }) => scheme === 'digest')
    .flatMap(({ parameters }) => {
      const digest = readDigest(parameters);
      return digest ? [{ digest, isStale: parameters.get('stale')?.toLowerCase() === 'true' }] : [];
    });
  const best = digests.find(({ digest }) => digest.hash === 'sha256') ?? digests[0];
  if (best) return { answer: { kind: 'digest', digest: best.digest }, isStale: best.isStale };
  return challenges.some(({ scheme }) => scheme === 'basic') ? { answer: { kind: 'basic' }, isStale: false } : null;
}

/** `null` for algorithms and protections that nobody here can compute. */
function readDigest(parameters: ReadonlyMap<string, string>): Digest | null {
  const nonce = parameters.get('nonce');
  const algorithm = parameters.get('algorithm') || undefined;
  const match = /^(md5|sha-256)(-sess)?$/i.exec(algorithm ?? 'MD5');
  if (nonce === undefined || !match) return null;
  const qop = parameters.get('qop') ?? '';
  const hasQop = qop.split(',').some((each) => each.trim().toLowerCase() === 'auth');
  if (qop.trim() !== '' && !hasQop) return null;
  return {
    ...{ realm: parameters.get('realm') ?? '', nonce, opaque: parameters.get('opaque'), algorithm, hasQop },
    hash: match[1]!.toLowerCase() === 'md5' ? 'md5' : 'sha256',
    isSession: match[2] !== undefined,
  };
}

/** The error for a 401 or 403. `refused`: the Supervisor waits for a change of settings. */
export function refusedError(where: string, hasCredentials: boolean): NvrError {
  const message = hasCredentials
    ? `${where} refuses the user name or password`
    : `${where} asks for a user name and a password`;
  return new NvrError('refused', message, { context: { peer: where, reason: 'credentials' } });
}
