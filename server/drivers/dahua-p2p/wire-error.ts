// How every parser of this folder refuses bytes: an NvrError whose `context.reason` is one of a closed set.

import { NvrError } from '../../core/nvr-error.ts';

/** What is wrong with bytes or text from the network. */
export type WireFault =
  | 'NOT_HTTP'
  | 'NO_HEADER_END'
  | 'BAD_STATUS_LINE'
  | 'BODY_TRUNCATED'
  | 'BAD_XML'
  | 'BAD_ADDRESS'
  | 'BAD_IDENTIFY'
  | 'BAD_INFO'
  | 'BAD_STUN'
  | 'BAD_SEGMENT'
  | 'BAD_MESSAGE';

/** An error that names the fault and shows nothing of the bytes (they may hold tokens). */
export function wireError(fault: WireFault, what: string): NvrError {
  return new NvrError('protocol', what, { context: { reason: fault } });
}
