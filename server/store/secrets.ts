// Secrets at rest: AES-256-GCM with a key file that only this user can read.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { NvrError } from '../core/nvr-error.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/** Encrypts and decrypts short texts (camera passwords). */
export class Secrets {
  readonly #key: Buffer;

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new NvrError('internal', 'The secret key must have 32 bytes');
    this.#key = key;
  }

  /**
   * Reads the key file, or makes it with mode 0600 at first start.
   * @throws NvrError `unavailable` when it can neither be read nor made, `bad_input` when it is damaged
   */
  static fromFile(file: string): Secrets {
    const key = readKey(file) ?? createKey(file);
    if (key.length !== KEY_BYTES) {
      throw new NvrError('bad_input', `The key file ${file} is damaged: ${key.length} bytes instead of ${KEY_BYTES}`);
    }
    return new Secrets(key);
  }

  /** A key for tests; gone with the process. */
  static ephemeral(): Secrets {
    return new Secrets(randomBytes(KEY_BYTES));
  }

  /**
   * @param context bound to the text: decryption with another context fails, so that a stored secret cannot be moved
   *   to another camera by editing the database
   */
  encrypt(text: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
  }

  /** @throws NvrError `bad_input` when the text was not written with this key and context */
  decrypt(sealed: string, context: string): string {
    const [version, payload] = sealed.split('.');
    const bytes = Buffer.from(payload ?? '', 'base64url');
    if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES) {
      throw new NvrError('bad_input', 'A stored secret cannot be read: it is damaged');
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
        'utf8',
      );
    } catch (cause) {
      throw new NvrError('bad_input', 'A stored secret cannot be read: it was written with another key file', {
        cause,
      });
    }
  }
}

function readKey(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new NvrError('unavailable', `The key file ${file} cannot be read`, { cause });
  }
}

function createKey(file: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  try {
    const handle = openSync(file, 'wx', 0o600);
    try {
      writeSync(handle, key);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw new NvrError('unavailable', `The key file ${file} cannot be written`, { cause });
  }
  return key;
}
