// Which encoder works for one camera: the one of its settings, or libx264 when that one does not work here, or fails on
// this camera's pictures. Either is said once.

import type { Logger } from '../core/logger.ts';
import { type EncoderKind, type EncoderSupport, encoderKinds, encoderSupport } from '../ffmpeg/encoders.ts';

export type { EncoderStatus } from '../ffmpeg/encoders.ts';

/** Runs of a hardware encoder that ended without a picture; drivers fail once for many reasons. */
const MAX_FAILURES = 2;

/** Told that libx264 stands in for what was chosen, and why. */
export type OnFallBack = (chosen: string, reason: string) => void;

/** See the head of this file. */
export class EncoderChoice {
  readonly #setting: string;
  readonly #support: EncoderSupport;
  readonly #onFallBack: OnFallBack;
  readonly #log: Logger;
  #failures = 0;
  #fellBack = false;
  #running: EncoderKind = 'libx264';

  constructor(setting: string, log: Logger, onFallBack: OnFallBack = () => {}, support = encoderSupport) {
    this.#setting = setting;
    this.#log = log;
    this.#onFallBack = onFallBack;
    this.#support = support;
  }

  /** What the next run is made with. Never throws. */
  async kind(): Promise<EncoderKind> {
    const reason = this.#fellBack ? null : await this.#support.whyNot(this.#setting);
    if (reason !== null) this.#fallBack(reason);
    const wanted = this.#fellBack ? undefined : encoderKinds.find((known) => known === this.#setting);
    this.#running = wanted ?? 'libx264';
    return this.#running;
  }

  /** A run ended badly. @param pictures what it had encoded */
  failed(message: string, pictures: number): void {
    if (this.#running === 'libx264') return;
    this.#failures = pictures > 0 ? 0 : this.#failures + 1;
    if (this.#failures >= MAX_FAILURES) this.#fallBack(message);
  }

  #fallBack(reason: string): void {
    this.#fellBack = true;
    this.#log.warn({ encoder: this.#setting, reason }, 'The chosen encoder does not work; libx264 does the work');
    this.#onFallBack(this.#setting, reason);
  }
}
