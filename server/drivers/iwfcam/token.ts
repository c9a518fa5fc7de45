// The login credential: two string hashes of the password, as hexadecimal text.
// Source: protocols/iwfcam.md section 6.2. Confirmed for `8888` (48 bits); other passwords follow the same formula by
// inference, which is why settings take a ready-made token too. It is sent in clear and can be replayed: no protection.

import { HASHED_MARK } from './wire-setup.ts';

/** 12 lower-case hexadecimal characters; text that is not ASCII is hashed as UTF-8. */
export function passwordToken(password: string): string {
  let js = 0x4e67c6a7;
  let rs = 0;
  let factor = 63689;
  for (const byte of Buffer.from(password, 'utf8')) {
    js = (js ^ ((js << 5) + byte + (js >>> 2))) >>> 0;
    rs = (Math.imul(rs, factor) + byte) >>> 0;
    factor = Math.imul(factor, 378551) >>> 0;
  }
  return (rs & 0xffff).toString(16).padStart(4, '0') + js.toString(16).padStart(8, '0');
}

/** The credential field of a login: the mark "hashed", then the token. */
export function credential(token: string): string {
  return HASHED_MARK + token;
}
