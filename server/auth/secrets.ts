// Secrets that Perch itself makes: sessions and API tokens. Only their hashes are stored.

import { createHash, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;
const SECRET_TEXT = /^[A-Za-z0-9_-]{43}$/;

/** 256 random bits as base64url: safe in URLs, headers and cookies. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** Whether the text has the form of a secret of ours; anything else is not worth a look in the database. */
export function isSecret(text: string): boolean {
  return SECRET_TEXT.test(text);
}

/** SHA-256 in hex. Enough without salt or stretching: the input has 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
