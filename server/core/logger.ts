// The shape of a logger (pino's, narrowed), so that domain code does not import pino.

/** Structured logger: facts first, then a sentence. Children carry `camera` and `part`. */
export type Logger = {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  child(bindings: object): Logger;
};

const drop = () => {};

/** A logger that says nothing: tests and benchmarks. */
export const silentLogger: Logger = { debug: drop, info: drop, warn: drop, error: drop, child: () => silentLogger };
