// Secrets at rest: AES-256-GCM with a key file that only this user can read.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { NvrError } from '../core/nvr-error.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';
/** The next key lies beside the key while secrets are being sealed anew; a crash in between loses nothing. */
const NEXT_SUFFIX = '.new';

/** Encrypts and decrypts short texts (camera passwords). */
export class Secrets {
  readonly #key: Buffer;
  readonly #otherKey: Buffer | null;

  /**
   * @param key 32 bytes
   * @param otherKey also tried when reading: a rotation was cut short
   */
  constructor(key: Buffer, otherKey: Buffer | null = null) {
    if (key.length !== KEY_BYTES) throw new NvrError('internal', 'The secret key must have 32 bytes');
    this.#key = key;
    this.#otherKey = otherKey;
  }

  /**
   * Reads the key file, or makes it with mode 0600 at first start.
   * @throws NvrError `unavailable` when it can neither be read nor made, `bad_input` when it is damaged
   */
  static fromFile(file: string): Secrets {
    const key = readKey(file) ?? createKey(file, 'wx');
    if (key.length !== KEY_BYTES) {
      throw new NvrError('bad_input', `The key file ${file} is damaged: ${key.length} bytes instead of ${KEY_BYTES}`);
    }
    return new Secrets(key, readNextKey(file));
  }

  /**
   * Gives the key file a new key. `reseal` is handed both and must have everything sealed anew, on disk, when it returns;
   * a crash at any point leaves secrets that the next start can read, and the next rotation finishes.
   * @throws NvrError as {@link fromFile}, and whatever `reseal` throws: then the old key stays
   */
  static rotateFile(file: string, reseal: (from: Secrets, to: Secrets) => void): void {
    const from = Secrets.fromFile(file);
    const to = new Secrets(readNextKey(file) ?? createKey(file + NEXT_SUFFIX, 'w'));
    syncFolder(file);
    reseal(from, to);
    renameSync(file + NEXT_SUFFIX, file);
    syncFolder(file);
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
    const opened = openWith(this.#key, bytes, context) ?? (this.#otherKey && openWith(this.#otherKey, bytes, context));
    if (opened === null)
      throw new NvrError('bad_input', 'A stored secret cannot be read: it was written with another key file');
    return opened;
  }
}

/** `null` when it was not sealed with this key and context. */
function openWith(key: Buffer, bytes: Buffer, context: string): string | null {
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function readNextKey(file: string): Buffer | null {
  const key = readKey(file + NEXT_SUFFIX);
  return key?.length === KEY_BYTES ? key : null; // shorter: the crash was while it was written, nothing is sealed with it
}

function syncFolder(file: string): void {
  const handle = openSync(dirname(file), 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
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

function createKey(file: string, flags: 'w' | 'wx'): Buffer {
  const key = randomBytes(KEY_BYTES);
  // Whole or not at all: a full disk or a power cut must not leave half a key that refuses every start after it.
  const half = `${file}.tmp`;
  try {
    const handle = openSync(half, 'w', 0o600);
    try {
      writeSync(handle, key);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (flags === 'wx') linkSync(half, file);
    else renameSync(half, file);
  } catch (cause) {
    throw new NvrError('unavailable', `The key file ${file} cannot be written: ${(cause as Error).message}`, { cause });
  } finally {
    rmSync(half, { force: true });
  }
  return key;
}
