// The server's side of Basic and Digest, as a camera's web server does it. Written from RFC 7616 and 7617, apart from our
// client's code, so that the two cannot be wrong together.

import { createHash, randomBytes } from 'node:crypto';

/** What the camera asks for. */
export type AuthScheme = 'none' | 'basic' | 'digest-md5' | 'digest-md5-old' | 'digest-sha256';

/** Names of the schemes, for the command line. */
export const AUTH_SCHEMES: readonly AuthScheme[] = ['none', 'basic', 'digest-md5', 'digest-md5-old', 'digest-sha256'];

/** Checks requests; makes challenges. */
export class Gate {
  readonly #scheme: AuthScheme;
  readonly #username: string;
  readonly #password: string;
  #nonce = randomBytes(8).toString('hex');
  #isStale = false;

  constructor(scheme: AuthScheme, username: string, password: string) {
    this.#scheme = scheme;
    this.#username = username;
    this.#password = password;
  }

  /** The nonce runs out: the next request is asked again. */
  renewNonce(): void {
    this.#nonce = randomBytes(8).toString('hex');
    this.#isStale = true;
  }

  /** The value of WWW-Authenticate. */
  challenge(): string {
    if (this.#scheme === 'basic') return 'Basic realm="camera, simulated"';
    const stale = this.#isStale ? ', stale=TRUE' : '';
    const start = `Digest realm="camera, simulated", nonce="${this.#nonce}"${stale}`;
    if (this.#scheme === 'digest-md5-old') return start;
    const algorithm = this.#scheme === 'digest-sha256' ? 'SHA-256' : 'MD5';
    return `${start}, qop="auth,auth-int", algorithm=${algorithm}, opaque="0a0b"`;
  }

  /** Whether a request may pass. */
  admits(method: string, authorization: string | undefined): boolean {
    if (this.#scheme === 'none') return true;
    if (authorization === undefined) return false;
    if (this.#scheme === 'basic') {
      return authorization === `Basic ${Buffer.from(`${this.#username}:${this.#password}`).toString('base64')}`;
    }
    const field = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(authorization)?.[1] ?? '';
    const hash = (text: string) =>
      createHash(this.#scheme === 'digest-sha256' ? 'sha256' : 'md5')
        .update(text)
        .digest('hex');
    const first = hash(`${this.#username}:camera, simulated:${this.#password}`);
    const second = hash(`${method}:${field('uri')}`);
    const middle =
      this.#scheme === 'digest-md5-old'
        ? this.#nonce
        : `${this.#nonce}:${field('nc')}:${field('cnonce')}:${field('qop')}`;
    const isRight = field('response') === hash(`${first}:${middle}:${second}`) && field('nonce') === this.#nonce;
    if (isRight) this.#isStale = false;
    return isRight && field('username') === this.#username;
  }
}
