// One ffmpeg that turns a camera's sound into AAC, or its AAC into PCM: blocks in, blocks out, each with its time.

import type { AudioFrame, Frame, Instant } from '../core/frame.ts';
import { toNvrError } from '../core/nvr-error.ts';
import { type FfmpegExit, FfmpegProcess, type FfmpegProcessOptions } from '../ffmpeg/ffmpeg-process.ts';
import { decodeSoundJob, encodeSoundJob } from '../ffmpeg/sound-job.ts';
import { AAC_LC_SAMPLES, AdtsReader, encodeAacConfig } from '../media/aac.ts';
import { pcmBytes } from '../media/ima-adpcm.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { soundStartMs } from '../media/media-time.ts';
import { PcmTimeline } from '../media/pcm-timeline.ts';
import { decodeSound } from '../media/sound-decoder.ts';

/** What comes out of an encoder or decoder. */
export type SoundFormat = Pick<AudioFrame, 'codec' | 'sampleRate' | 'channels'> & { readonly codecConfig?: Uint8Array };

/** Access units are 1024 samples: at a low rate they would be late by an eighth of a second. */
const MIN_RATE = 32_000;
const RATES = [32_000, 44_100, 48_000];
const NO_BYTES = new Uint8Array(0);
const BYTES_PER_SAMPLE = 2;

/** The AAC that sound of this kind becomes. */
export function encodedFormat({ sampleRate, channels }: Pick<AudioFrame, 'sampleRate' | 'channels'>): SoundFormat & {
  readonly codecConfig: Uint8Array;
} {
  const even = RATES.find((rate) => rate >= Math.min(sampleRate, 48_000) && rate % sampleRate === 0);
  const outRate = even ?? RATES.find((rate) => rate >= Math.max(MIN_RATE, sampleRate)) ?? 48_000;
  const outChannels = channels >= 2 ? 2 : 1;
  return {
    ...{ codec: 'aac', sampleRate: outRate, channels: outChannels },
    codecConfig: encodeAacConfig(outRate, outChannels),
  };
}

/** The PCM that AAC of this kind becomes. */
export function decodedFormat({ sampleRate, channels }: Pick<AudioFrame, 'sampleRate' | 'channels'>): SoundFormat {
  return { codec: 'pcm-s16le', sampleRate, channels };
}

/** Whether two blocks can go through one run. */
export function sameFormat(a: AudioFrame, b: AudioFrame): boolean {
  const same = a.codec === b.codec && a.sampleRate === b.sampleRate && a.channels === b.channels;
  return same && Buffer.compare(a.codecConfig ?? NO_BYTES, b.codecConfig ?? NO_BYTES) === 0;
}

/** See the head of this file. `stop` it. */
export class SoundRun {
  readonly format: SoundFormat;
  readonly #first: AudioFrame;
  readonly #zero: Instant;
  readonly #process: FfmpegProcess;
  readonly #writer: MatroskaWriter;
  readonly #onSound: (frame: AudioFrame) => void;
  readonly #output: Promise<void>;
  /** A line without holes for the encoder; a decoder takes units as they come. */
  readonly #line: PcmTimeline | null;
  #begun = false;
  /** Blocks that came out. */
  blocks = 0;

  /** @param first sound of another format needs another run */
  constructor(first: AudioFrame, options: FfmpegProcessOptions, onSound: (frame: AudioFrame) => void) {
    this.#first = first;
    this.#onSound = onSound;
    const { sampleRate, channels, codecConfig } = first;
    const startMs = soundStartMs(first);
    this.#zero = { monoMs: startMs, at: first.at - (first.monoMs - startMs) };
    if (first.codec === 'aac') {
      this.#line = null;
      this.format = decodedFormat(first);
      const aac = { kind: 'audio', codec: 'aac', sampleRate, channels, ...(codecConfig && { codecConfig }) } as const;
      this.#writer = new MatroskaWriter([aac]);
      this.#process = FfmpegProcess.start(decodeSoundJob({ outRate: sampleRate, outChannels: channels }), options);
      this.#output = this.#read(() => this.#samples());
    } else {
      this.#line = new PcmTimeline(sampleRate, channels, startMs);
      const format = encodedFormat(first);
      this.format = format;
      this.#writer = new MatroskaWriter([{ kind: 'audio', codec: 'pcm-s16le', sampleRate, channels }]);
      const job = encodeSoundJob({ sampleRate, outRate: format.sampleRate, outChannels: format.channels });
      this.#process = FfmpegProcess.start(job, options);
      this.#output = this.#read(() => this.#units());
    }
  }

  /** How ffmpeg ended, or `null` while it runs. */
  get exit(): FfmpegExit | null {
    return this.#process.exit;
  }

  /** Whether this run can take the block. */
  takes(frame: AudioFrame): boolean {
    return sameFormat(frame, this.#first);
  }

  /** Takes a block; a picture only says how late it is, so that missing sound becomes silence. */
  async write(frame: Frame): Promise<void> {
    if (!this.#line) {
      if (frame.kind === 'audio') await this.#give(soundStartMs(frame), frame.data);
      return;
    }
    const pcm = frame.kind === 'audio' ? decodeSound(frame) : null;
    if (pcm) this.#line.add(frame.monoMs, pcm);
    const span = this.#line.takeUntil(frame.monoMs);
    if (span) await this.#give(span.startMs, pcmBytes(span.pcm));
  }

  /** Ends it; resolves when all that came out was given. */
  async stop(finishMs?: number): Promise<FfmpegExit> {
    const exit = await this.#process.stop(finishMs);
    await this.#output;
    return exit;
  }

  async #give(startMs: number, bytes: Uint8Array): Promise<void> {
    const head = this.#begun ? [] : [this.#writer.header()];
    this.#begun = true;
    const timeMs = Math.max(0, startMs - this.#zero.monoMs);
    await this.#process.write(...head, ...this.#writer.frame(0, timeMs, true, bytes));
  }

  async #read(open: () => (bytes: Uint8Array) => void): Promise<void> {
    const push = open();
    try {
      for await (const bytes of this.#process.stdout ?? []) push(bytes as Uint8Array);
    } catch (error) {
      void toNvrError(error); // the exit says what happened
      void this.#process.kill();
    }
  }

  #units(): (bytes: Uint8Array) => void {
    const reader = new AdtsReader();
    return (bytes) => {
      // Each is complete with the samples behind those that it becomes; the first one is the encoder's run-up.
      for (const unit of reader.push(bytes)) this.#publish(unit);
    };
  }

  #samples(): (bytes: Uint8Array) => void {
    const sampleBytes = BYTES_PER_SAMPLE * this.format.channels;
    const blockBytes = AAC_LC_SAMPLES * sampleBytes;
    let held = Buffer.alloc(0);
    return (bytes) => {
      held = Buffer.concat([held, bytes]);
      for (; held.length >= blockBytes; held = held.subarray(blockBytes)) {
        this.#publish(new Uint8Array(held.subarray(0, blockBytes)));
      }
    };
  }

  #publish(data: Uint8Array): void {
    const endMs = (++this.blocks * AAC_LC_SAMPLES * 1000) / this.format.sampleRate;
    const time = { at: this.#zero.at + endMs, monoMs: this.#zero.monoMs + endMs, mediaMs: null };
    this.#onSound({ kind: 'audio', ...this.format, data, samples: AAC_LC_SAMPLES, ...time });
  }
}
