// Plays a camera's sound with little delay. A plain <audio> buffers for seconds, and audio worklets exist only in
// secure contexts, so pieces of the endless WAV are put on a Web Audio clock one after the other.

import { openMedia } from '../api.ts';
import { WavReader } from './wav-reader.ts';

export type SoundState = 'off' | 'starting' | 'on' | 'failed';

// A little reserve against uneven arrival; more than the second is lateness that is better dropped.
const RESERVE_S = 0.15;
const MAX_AHEAD_S = 0.8;

/** One camera's sound: made to play, stopped for good. */
export class Sound {
  readonly #abort = new AbortController();
  readonly #onState: (state: SoundState) => void;
  #context: AudioContext | null = null;
  #nextAt = 0;

  /** Begins at once: call it from a press, or browsers keep silent. */
  constructor(slug: string, onState: (state: SoundState) => void) {
    this.#onState = onState;
    onState('starting');
    void this.#run(`cameras/${encodeURIComponent(slug)}/audio.wav`);
  }

  stop(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    void this.#context?.close();
    this.#onState('off');
  }

  async #run(path: string): Promise<void> {
    // Made before the first wait, while the press still counts as one.
    const unlocked = new AudioContext();
    void unlocked.resume();
    const stream = await openMedia(path, this.#abort.signal);
    const reader = stream?.getReader();
    const wav = new WavReader();
    try {
      while (reader) {
        const { done, value } = await reader.read();
        if (done || this.#abort.signal.aborted) break;
        const samples = wav.push(value);
        if (samples.length > 0 && wav.format) this.#play(samples, wav.format.sampleRate, unlocked);
      }
    } catch {
      // The stream ended or was not what we read: told below.
    }
    void unlocked.close();
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    void this.#context?.close();
    this.#onState('failed');
  }

  #play(samples: Float32Array<ArrayBuffer>, sampleRate: number, unlocked: AudioContext): void {
    if (!this.#context) {
      this.#context = contextFor(sampleRate) ?? unlocked;
      void this.#context.resume();
      this.#onState('on');
    }
    const context = this.#context;
    const now = context.currentTime;
    if (this.#nextAt < now) this.#nextAt = now + RESERVE_S;
    if (this.#nextAt > now + MAX_AHEAD_S) return;
    const buffer = context.createBuffer(1, samples.length, sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(this.#nextAt);
    this.#nextAt += samples.length / sampleRate;
  }
}

/** A context at the stream's own rate: neighbouring pieces then join without a seam. Not every browser takes every rate. */
function contextFor(sampleRate: number): AudioContext | null {
  try {
    return new AudioContext({ sampleRate, latencyHint: 'interactive' });
  } catch {
    return null;
  }
}
