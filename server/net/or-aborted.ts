// A wait that knows no signal, ended by one.

import { NvrError } from '../core/nvr-error.ts';

/** Resolves like `work`, unless the signal aborts first. @throws NvrError `cancelled` */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new NvrError('cancelled', 'Cancelled', { cause: signal.reason }));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
