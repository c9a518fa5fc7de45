// The sound of one recording run: copied when the camera has AAC, else as PCM that ffmpeg makes AAC of. Either way on one
// continuous line beside the pictures.

import type { AudioFrame } from '../core/frame.ts';
import { pcmBytes } from '../media/ima-adpcm.ts';
import { sameBytes } from '../media/nal.ts';
import { PcmTimeline } from '../media/pcm-timeline.ts';
import { decodeSound, isDecodable } from '../media/sound-decoder.ts';
import { AacLine } from './aac-line.ts';

/** Sound heard this recently is expected to go on. */
const EXPECTED_MS = 30_000;

/** What a file's sound track is declared as. */
export type SoundTrack = {
  readonly codec: 'pcm-s16le' | 'aac';
  readonly sampleRate: number;
  readonly channels: number;
  readonly codecConfig?: Uint8Array;
};

/** A block with its place on the monotonic clock. */
export type SoundBlock = { readonly startMs: number; readonly data: Uint8Array };

/** The continuous line of one track. */
export type SoundLine = {
  readonly track: SoundTrack;
  /** Where the next block that will be taken begins. */
  readonly positionMs: number;
  add(frame: AudioFrame): void;
  /** What there is before a moment. */
  takeUntil(untilMs: number): SoundBlock[];
  /** The same, and nothing before the moment is waited for any more. */
  finishUntil(untilMs: number): SoundBlock[];
};

function pcmLine(track: SoundTrack, startMs: number): SoundLine {
  const line = new PcmTimeline(track.sampleRate, track.channels, startMs);
  const blocks = (span: ReturnType<PcmTimeline['takeUntil']>) =>
    span ? [{ startMs: span.startMs, data: pcmBytes(span.pcm) }] : [];
  return {
    track,
    get positionMs() {
      return line.positionMs;
    },
    add: (frame) => {
      const pcm = decodeSound(frame);
      if (pcm) line.add(frame.monoMs, pcm);
    },
    takeUntil: (untilMs) => blocks(line.takeUntil(untilMs)),
    finishUntil: (untilMs) => blocks(line.finishUntil(untilMs)),
  };
}

function aacLine(track: SoundTrack, codecConfig: Uint8Array, startMs: number): SoundLine {
  const line = new AacLine(codecConfig, track.sampleRate, startMs);
  return {
    track,
    get positionMs() {
      return line.positionMs;
    },
    add: ({ monoMs, data }) => line.add(monoMs, data),
    takeUntil: (untilMs) => line.takeUntil(untilMs),
    finishUntil: (untilMs) => line.finishUntil(untilMs),
  };
}

/** How a camera's sound is recorded; `null`: it cannot be. */
function trackOf({ codec, sampleRate, channels, codecConfig }: AudioFrame): SoundTrack | null {
  if (codec === 'aac') return codecConfig ? { codec, sampleRate, channels, codecConfig } : null;
  return isDecodable(codec) ? { codec: 'pcm-s16le', sampleRate, channels } : null;
}

function isSame(a: SoundTrack | null, b: SoundTrack): boolean {
  if (a?.codec !== b.codec || a.sampleRate !== b.sampleRate || a.channels !== b.channels) return false;
  return (
    a.codecConfig === b.codecConfig || sameBytes(a.codecConfig ?? new Uint8Array(), b.codecConfig ?? new Uint8Array())
  );
}

/** Feeds a {@link SoundLine}. The line begins with the first picture that is recorded with sound. */
export class Sound {
  line: SoundLine | null = null;
  #track: SoundTrack | null = null;
  #heardMs = 0;

  /** Learns that there is sound, without taking it yet: what a segment is opened with is known before its first picture. */
  hear(frame: AudioFrame): void {
    const track = trackOf(frame);
    if (!track) return;
    if (!isSame(this.#track, track)) {
      this.#track = track;
      this.line = null;
    }
    this.#heardMs = frame.monoMs;
  }

  /** Takes a block. */
  add(frame: AudioFrame): void {
    this.hear(frame);
    this.line?.add(frame);
  }

  /** Whether this is what the camera sends now. */
  isCurrent(track: SoundTrack): boolean {
    return this.#track === track;
  }

  /** Whether a segment that begins now should have a sound track. */
  expected(nowMonoMs: number): boolean {
    return this.#track !== null && nowMonoMs - this.#heardMs < EXPECTED_MS;
  }

  /** The line for a segment that begins at this picture; goes on from the segment before when there is one. */
  lineFrom(startMonoMs: number): SoundLine | null {
    const track = this.#track;
    if (!track || !this.expected(startMonoMs)) {
      this.line = null;
      return null;
    }
    const { codecConfig } = track;
    this.line ??= codecConfig ? aacLine(track, codecConfig, startMonoMs) : pcmLine(track, startMonoMs);
    return this.line;
  }

  /** Forgets the line: what follows does not continue it. */
  cut(): void {
    this.line = null;
  }
}
