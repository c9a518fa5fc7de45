// The H.264 encoders that a camera may choose: arguments per kind (pure), and whether this machine really has one: a
// trial of a few pictures, once per kind. What fails is said once, and libx264 does the work.

import { existsSync } from 'node:fs';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import type { FfmpegJob } from './job.ts';

/** Kinds of encoders. `auto` in the settings is libx264. */
export const encoderKinds = ['libx264', 'vaapi', 'qsv', 'v4l2m2m', 'nvenc'] as const;
/** One of them. */
export type EncoderKind = (typeof encoderKinds)[number];

/** Linux' first graphics device. */
const RENDER_DEVICE = '/dev/dri/renderD128';
/** V4L2 encoders know only bit rates: bits a second for each pixel of the picture, at the default quality. */
const BITS_PER_PIXEL = 2;
const DEFAULT_QUALITY = 23;
/** Six steps of quality halve the bit rate. */
const QUALITY_STEPS_PER_HALF = 6;
const PROBE_MS = 10_000;
/** What a kind cannot do without: nothing is run on a machine that has none of these. Raspberry Pis number theirs from 10. */
const DEVICES: Readonly<Record<Exclude<EncoderKind, 'libx264'>, readonly string[]>> = {
  vaapi: [RENDER_DEVICE],
  qsv: [RENDER_DEVICE],
  v4l2m2m: ['/dev/video10', '/dev/video11', '/dev/video0'],
  nvenc: ['/dev/nvidia0', '/dev/nvidiactl', '/dev/dxg'],
};

/** What is known of a kind on this machine. */
export type EncoderStatus = {
  readonly kind: EncoderKind;
  readonly state: 'works' | 'fails' | 'untried';
  /** Why it fails. */
  readonly reason: string | null;
};

/** Arguments of one kind: before the input, the pixel format on the way in, and the codec's own. */
export type EncoderArguments = { readonly before: string[]; readonly format: string; readonly codec: string[] };

/** Arguments for hardware. @param quality like x264's CRF, lower is better */
export function encoderArguments(
  kind: Exclude<EncoderKind, 'libx264'>,
  quality: number,
  pixels: number,
): EncoderArguments {
  const q = String(quality);
  const common = ['-bf', '0', '-profile:v', 'high'];
  switch (kind) {
    case 'vaapi':
      return {
        before: ['-vaapi_device', RENDER_DEVICE],
        format: 'format=nv12,hwupload',
        codec: ['-c:v', 'h264_vaapi', '-rc_mode', 'CQP', '-qp', q, ...common],
      };
    case 'qsv':
      return {
        before: [],
        format: 'format=nv12',
        codec: ['-c:v', 'h264_qsv', '-global_quality', q, '-async_depth', '1', '-forced_idr', '1', ...common],
      };
    case 'v4l2m2m': {
      const bitRate = pixels * BITS_PER_PIXEL * 2 ** ((DEFAULT_QUALITY - quality) / QUALITY_STEPS_PER_HALF);
      return {
        before: [],
        format: 'format=yuv420p',
        codec: ['-c:v', 'h264_v4l2m2m', '-b:v', String(Math.round(bitRate))],
      };
    }
    case 'nvenc':
      return {
        before: [],
        format: 'format=yuv420p',
        codec: [
          ...['-c:v', 'h264_nvenc', '-preset', 'p4', '-tune', 'ull', '-rc', 'constqp', '-qp', q],
          ...['-forced-idr', '1', '-delay', '0', ...common],
        ],
      };
  }
}

/** A trial: half a second of grey, encoded to nothing. */
export function probeJob(kind: Exclude<EncoderKind, 'libx264'>): FfmpegJob {
  const { before, format, codec } = encoderArguments(kind, DEFAULT_QUALITY, 320 * 240);
  return {
    input: { options: [...before, '-f', 'lavfi'], source: { url: 'color=c=gray:size=320x240:rate=10:duration=0.5' } },
    output: { options: ['-vf', format, ...codec, '-f', 'null'], target: { file: '/dev/null' } },
  };
}

/** Runs a job and says why it failed, or `null`. */
export type RunProbe = (job: FfmpegJob) => Promise<NvrError | null>;

const runProbe: RunProbe = async (job) => {
  const process = FfmpegProcess.start(job);
  const timer = setTimeout(() => void process.kill(), PROBE_MS);
  const { error } = await process.exited;
  clearTimeout(timer);
  return error;
};

/** Which encoders work here. Each hardware kind is tried once, when it is first asked for. */
export class EncoderSupport {
  readonly #run: RunProbe;
  readonly #exists: (path: string) => boolean;
  readonly #trials = new Map<EncoderKind, Promise<NvrError | null>>();
  readonly #results = new Map<EncoderKind, NvrError | null>();

  constructor(run: RunProbe = runProbe, exists: (path: string) => boolean = existsSync) {
    this.#run = run;
    this.#exists = exists;
  }

  /** Tries every kind, one after the other, and says in the log what this machine has. Never throws. */
  async tryAll(log: Logger): Promise<void> {
    for (const kind of encoderKinds) if (kind !== 'libx264') await this.#try(kind);
    const works = this.statuses().flatMap(({ kind, state }) => (state === 'works' ? [kind] : []));
    log.info({ encoders: works }, 'H.264 encoders that work here');
  }

  /** What is known now. */
  statuses(): EncoderStatus[] {
    return encoderKinds.map((kind) => {
      const result = kind === 'libx264' ? null : this.#results.get(kind);
      if (result === undefined) return { kind, state: 'untried', reason: null };
      return { kind, state: result ? 'fails' : 'works', reason: result?.message ?? null };
    });
  }

  /** Why a kind of a setting cannot be used here; `null` when it can, or needs no trial. */
  async whyNot(setting: string): Promise<string | null> {
    const kind = encoderKinds.find((known) => known === setting);
    if (setting === 'auto' || kind === 'libx264') return null;
    if (!kind) return `there is no encoder ${setting}`;
    return (await this.#try(kind))?.message ?? null;
  }

  /** The kind to use for a setting: itself when it works, else libx264. Never throws. */
  async choose(setting: string, log: Logger): Promise<EncoderKind> {
    const reason = await this.whyNot(setting);
    if (reason === null) return encoderKinds.find((known) => known === setting) ?? 'libx264';
    log.warn({ encoder: setting, reason }, `The encoder ${setting} cannot be used here; libx264 is`);
    return 'libx264';
  }

  #try(kind: Exclude<EncoderKind, 'libx264'>): Promise<NvrError | null> {
    let trial = this.#trials.get(kind);
    if (!trial) {
      const devices = DEVICES[kind];
      trial = devices.some(this.#exists)
        ? this.#run(probeJob(kind))
        : Promise.resolve(new NvrError('unavailable', `this machine has no ${devices[0]}`));
      this.#trials.set(kind, trial);
      void trial.then((result) => this.#results.set(kind, result));
    }
    return trial;
  }
}

/** This machine's. */
export const encoderSupport = new EncoderSupport();
