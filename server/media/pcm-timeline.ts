// Sound blocks onto one continuous line of samples. Blocks come late, in bursts, or not at all, and the camera's crystal is
// not ours: holes become silence, drift is taken out in small steps. Pure; times are the monotonic clock's milliseconds.

/** A block that begins this much after the end of the line leaves a hole, filled at once. */
const HOLE_MS = 400;
/** Blocks arrive late but never early: the smallest lateness of so many blocks is the true drift. */
const DRIFT_WINDOW_BLOCKS = 48;
/** Drift that is left alone. */
const DRIFT_MS = 30;
/** Sound that does not come for so long is replaced by silence up to this distance from now. */
export const SOUND_WAIT_MS = 1000;
/** Blocks waiting to be taken; more is a reader that does not read. */
const MAX_BUFFERED_MS = 10_000;

/** Samples with their place on the line. Interleaved 16-bit. */
export type PcmSpan = { readonly startMs: number; readonly pcm: Int16Array };

/** See the head of this file. One per camera and recording run. */
export class PcmTimeline {
  readonly sampleRate: number;
  readonly channels: number;
  /** Where the next sample that will be taken stands. */
  #originMs: number;
  #takenSamples = 0;
  #chunks: Int16Array[] = [];
  #bufferedSamples = 0;
  #drifts: number[] = [];

  /** @param startMs where the line begins: the first picture */
  constructor(sampleRate: number, channels: number, startMs: number) {
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#originMs = startMs;
  }

  /** Place of the next sample to be taken. */
  get positionMs(): number {
    return this.#originMs + (this.#takenSamples * 1000) / this.sampleRate;
  }

  get #tailMs(): number {
    return this.positionMs + (this.#bufferedSamples * 1000) / this.sampleRate;
  }

  /** Adds a block whose last sample was there at `endMs`. */
  add(endMs: number, pcm: Int16Array): void {
    const samples = Math.floor(pcm.length / this.channels);
    const startMs = endMs - (samples * 1000) / this.sampleRate;
    const lateMs = startMs - this.#tailMs;
    let block = pcm;
    const begins = this.#takenSamples === 0 && this.#bufferedSamples === 0;
    if (lateMs > (begins ? 0 : HOLE_MS)) {
      this.#silence(lateMs);
      this.#drifts = [];
    } else if (lateMs < (begins ? 0 : -HOLE_MS)) {
      // Sound from before the line began, or a burst of old blocks: only what is new of it.
      block = this.#without(pcm, -lateMs);
      this.#drifts = [];
    } else {
      this.#drifts.push(lateMs);
      if (this.#drifts.length >= DRIFT_WINDOW_BLOCKS) {
        const driftMs = Math.min(...this.#drifts);
        this.#drifts = [];
        if (driftMs > DRIFT_MS) this.#silence(driftMs);
        else if (driftMs < -DRIFT_MS) block = this.#without(pcm, -driftMs);
      }
    }
    if (this.#bufferedSamples > (MAX_BUFFERED_MS * this.sampleRate) / 1000) return;
    this.#append(block);
  }

  /** Everything before `untilMs` that is there; with silence for what has been missing for long. `null` when nothing. */
  takeUntil(untilMs: number): PcmSpan | null {
    const missingMs = untilMs - SOUND_WAIT_MS - this.#tailMs;
    if (missingMs > 0) this.#silence(missingMs);
    const wanted = Math.min(this.#samplesUntil(untilMs), this.#bufferedSamples);
    return wanted > 0 ? this.#take(wanted) : null;
  }

  /** Everything before `untilMs`, the rest as silence: the end of a file. */
  finishUntil(untilMs: number): PcmSpan | null {
    const missingMs = untilMs - this.#tailMs;
    if (missingMs > 0) this.#silence(missingMs);
    const wanted = Math.min(this.#samplesUntil(untilMs), this.#bufferedSamples);
    return wanted > 0 ? this.#take(wanted) : null;
  }

  #samplesUntil(untilMs: number): number {
    return Math.round(((untilMs - this.#originMs) * this.sampleRate) / 1000) - this.#takenSamples;
  }

  #take(samples: number): PcmSpan {
    const startMs = this.positionMs;
    const pcm = new Int16Array(samples * this.channels);
    for (let filled = 0; filled < pcm.length; ) {
      const first = this.#chunks[0]!;
      const part = first.subarray(0, pcm.length - filled);
      pcm.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(part.length);
    }
    this.#takenSamples += samples;
    this.#bufferedSamples -= samples;
    return { startMs, pcm };
  }

  #silence(durationMs: number): void {
    const samples = Math.round((durationMs * this.sampleRate) / 1000);
    if (samples > 0) this.#append(new Int16Array(samples * this.channels));
  }

  #without(pcm: Int16Array, durationMs: number): Int16Array {
    return pcm.subarray(Math.min(pcm.length, Math.round((durationMs * this.sampleRate) / 1000) * this.channels));
  }

  #append(pcm: Int16Array): void {
    const samples = Math.floor(pcm.length / this.channels);
    if (samples === 0) return;
    this.#chunks.push(pcm.subarray(0, samples * this.channels));
    this.#bufferedSamples += samples;
  }
}
