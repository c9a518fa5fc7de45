// What the operating system says about a connection, as sentences that a user understands. Pure.

import { NvrError } from '../core/nvr-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection: nothing answers on that port',
  EHOSTUNREACH: 'cannot be reached: the device is off, or on another network',
  ENETUNREACH: 'cannot be reached: there is no route to its network',
  EHOSTDOWN: 'cannot be reached: the device is off',
  ECONNRESET: 'broke the connection',
  EPIPE: 'broke the connection',
  ETIMEDOUT: 'stopped answering',
  EACCES: 'may not be connected to from this machine',
};

/** Node's and OpenSSL's codes of a TLS handshake that failed. */
const TLS_CODE = /^(ERR_SSL|ERR_TLS|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** An error of a socket. `where` is `address:port`. */
export function streamError(error: unknown, where: string): NvrError {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown';
  const context = { peer: where, os: code };
  if (TLS_CODE.test(code)) {
    const isCertificate = /CERT|SIGN|ISSUER|DEPTH/.test(code);
    const why = isCertificate ? 'its certificate cannot be trusted' : 'it does not speak TLS on that port';
    return new NvrError('unavailable', `No secure connection to ${where}: ${why}`, { cause: error, context });
  }
  const reason = REASONS[code] ?? `cannot be used (${code})`;
  return new NvrError('unavailable', `${where} ${reason}`, { cause: error, context });
}

/** No connection within the time. */
export function connectTimeout(where: string, timeoutMs: number): NvrError {
  return new NvrError('timeout', `${where} did not answer within ${timeoutMs / 1000} s`, { context: { peer: where } });
}
