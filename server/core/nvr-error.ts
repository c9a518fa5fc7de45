// The one error class. Codes are a closed union; the HTTP layer and the Supervisor each map codes, never message texts.

/** What went wrong, as a closed set (see the table in design: HTTP status and retry class follow from it). */
export type ErrorCode =
  | 'bad_input'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'unavailable'
  | 'timeout'
  | 'protocol'
  | 'refused'
  | 'exhausted'
  | 'rate_limited'
  | 'cancelled'
  | 'internal';

/** Facts that lead to the spot: camera, peer, packet, field... Never secrets: it is logged. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Options of {@link NvrError}. */
export type NvrErrorOptions = {
  readonly cause?: unknown;
  readonly context?: ErrorContext;
  /** A driver asks the Supervisor to be completely silent for this long before the next dial. */
  readonly coolDownMs?: number;
};

/** The error of this program. `message` is a sentence a user may read, except for `internal`. */
export class NvrError extends Error {
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  readonly coolDownMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: NvrErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'NvrError';
    this.code = code;
    this.context = options.context ?? {};
    this.coolDownMs = options.coolDownMs;
  }
}

/** Narrows an unknown thrown value; with `code`, to that code only. */
export function isNvrError(error: unknown, code?: ErrorCode): error is NvrError {
  return error instanceof NvrError && (code === undefined || error.code === code);
}

/** Any thrown value as an NvrError; foreign ones become `internal` (or an abort: `cancelled`), keeping the cause. */
export function toNvrError(error: unknown): NvrError {
  if (error instanceof NvrError) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new NvrError('cancelled', 'Cancelled', { cause: error });
  }
  return new NvrError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
