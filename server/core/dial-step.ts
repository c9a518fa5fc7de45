// The way to a camera in steps, as a user sees them: known beforehand, ticked off while a dial gets there.

/** One step of a driver's way. */
export type DialStep = {
  readonly id: string;
  /** Once it is reached: "Device online". */
  readonly title: string;
  /** While it is waited for: "Looking for the device". */
  readonly doing: string;
  /** A sentence for when time runs out meanwhile. */
  readonly late: string;
};

/** A step that a dial has reached. `detail`: a few words of the driver's own, never text from the network. */
export type ReachedStep = {
  readonly id: string;
  readonly title: string;
  readonly detail: string | null;
  /** Since the dial began. */
  readonly afterMs: number;
};

/** The last step of every way. */
export const PICTURE_STEP: DialStep = {
  id: 'picture',
  title: 'First picture',
  doing: 'Waiting for the first picture',
  late: 'The camera was reached, but no picture came in time',
};

/** The way of drivers that say nothing of theirs. */
export const ANSWER_STEP: DialStep = {
  id: 'answer',
  title: 'The camera answers',
  doing: 'Calling the camera',
  late: 'The camera does not answer',
};

/** All steps of a way, the picture included. */
export function dialPlan(steps: readonly DialStep[] | undefined): readonly DialStep[] {
  return [...(steps ?? [ANSWER_STEP]), PICTURE_STEP];
}

/** How far one dial is. A step counts once; reaching one reaches those before it. */
export class DialProgress {
  readonly #plan: readonly DialStep[];
  readonly #elapsedMs: () => number;
  readonly #onReached: (step: ReachedStep) => void;
  #count = 0;

  /** @param elapsedMs since the dial began */
  constructor(plan: readonly DialStep[], elapsedMs: () => number, onReached: (step: ReachedStep) => void) {
    this.#plan = plan;
    this.#elapsedMs = elapsedMs;
    this.#onReached = onReached;
  }

  /** What is waited for now; `null` when all is reached. */
  get waitingFor(): DialStep | null {
    return this.#plan[this.#count] ?? null;
  }

  /** A step is reached; ids that are not in the plan are ignored. */
  reach(id: string, detail: string | null = null): void {
    const at = this.#plan.findIndex((step) => step.id === id);
    while (this.#count <= at) {
      const { id: reached, title } = this.#plan[this.#count]!;
      const isNamed = this.#count === at;
      this.#count++;
      const afterMs = Math.round(this.#elapsedMs());
      this.#onReached({ id: reached, title, detail: isNamed ? detail : null, afterMs });
    }
  }

  /** The driver has done its part: only the picture is missing. */
  opened(): void {
    const last = this.#plan.at(-2);
    if (last) this.reach(last.id);
  }
}
