// The H.264 that a simulated RTSP camera sends: a clip in memory, played in a loop. Made by ffmpeg from its test picture or
// from a file; a file without B pictures is copied as it is.

import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NvrError } from '../../core/nvr-error.ts';
import { FfmpegProcess } from '../../ffmpeg/ffmpeg-process.ts';
import { ffprobe } from '../../ffmpeg/ffprobe.ts';
import type { FfmpegJob } from '../../ffmpeg/job.ts';
import { beginsH264Picture, H264, h264Type, parseH264Sps } from '../../media/h264.ts';
import { splitStartCodes } from '../../media/nal.ts';
import { TEST_SOURCE } from '../ffmpeg-pictures.ts';

/** Longest part of a file that is held. */
const MAX_SECONDS = 180;
const TEST_SECONDS = 10;
const MAX_CLIP_BYTES = 256 * 1024 * 1024;

/** One picture: its units in order, parameter sets left out. */
export type ClipPicture = { readonly units: readonly Uint8Array[]; readonly key: boolean };

/** A clip that begins with a key picture. */
export type Clip = {
  readonly sps: Uint8Array;
  readonly pps: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly pictures: readonly ClipPicture[];
};

/** Options of {@link loadClip}. */
export type ClipOptions = {
  /** `testsrc` or a file that ffmpeg reads. */
  readonly source: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seconds?: number;
  /** Of the test picture, bits per second; left out: what its quality needs. */
  readonly bitRate?: number;
  /** A video filter of ffmpeg over the test picture. */
  readonly filter?: string;
};

/**
 * Makes the clip.
 * @throws NvrError `bad_input` (no such file, nothing to show in it), `unavailable` (no ffmpeg)
 */
export async function loadClip(options: ClipOptions): Promise<Clip> {
  const isTest = options.source === TEST_SOURCE;
  if (!isTest) {
    await access(options.source).catch((cause) => {
      throw new NvrError('bad_input', `The file ${options.source} cannot be read`, { cause });
    });
  }
  const { job, fps } = isTest ? { job: testJob(options), fps: options.fps } : await fileJob(options);
  const ffmpeg = FfmpegProcess.start(job);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of ffmpeg.stdout ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > MAX_CLIP_BYTES) break;
    chunks.push(chunk as Uint8Array);
  }
  const { error } = await ffmpeg.stop();
  if (error && chunks.length === 0) throw error;
  return readClip(Buffer.concat(chunks), fps);
}

const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-bf', '0'];

function testJob({ width, height, fps, seconds = TEST_SECONDS, bitRate, filter }: ClipOptions): FfmpegJob {
  const rate = bitRate === undefined ? [] : ['-b:v', `${bitRate}`, '-maxrate', `${bitRate}`, '-bufsize', `${bitRate}`];
  const filters = filter === undefined ? [] : ['-vf', filter];
  return {
    input: {
      options: ['-f', 'lavfi'],
      source: { url: `testsrc2=size=${width}x${height}:rate=${fps}:duration=${seconds}` },
    },
    output: {
      options: [...filters, ...ENCODE, ...rate, '-g', String(Math.round(fps * 2)), '-f', 'h264'],
      target: 'pipe',
    },
  };
}

async function fileJob({ source, seconds = MAX_SECONDS }: ClipOptions): Promise<{ job: FfmpegJob; fps: number }> {
  const { streams = [] } = await ffprobe(source, ['-select_streams', 'v:0', '-show_streams']);
  const [stream] = streams;
  if (!stream) throw new NvrError('bad_input', `There are no pictures in ${source}`);
  const [over = 25, under = 1] = String(stream.r_frame_rate ?? '25/1')
    .split('/')
    .map(Number);
  const fps = Math.min(60, Math.max(1, over / under || 25));
  const isPlain = stream.codec_name === 'h264' && stream.has_b_frames === 0;
  const options = isPlain
    ? ['-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb']
    : [...ENCODE, '-crf', '23', '-g', String(Math.round(fps * 2))];
  return {
    fps,
    job: {
      input: {
        options: ['-protocol_whitelist', 'file', '-t', String(seconds)],
        source: { url: `file:${resolve(source)}` },
      },
      output: { options: ['-map', '0:v:0', ...options, '-f', 'h264'], target: 'pipe' },
    },
  };
}

/** Cuts an H.264 byte stream into a clip. @throws NvrError `bad_input` when there is none in it */
export function readClip(bytes: Uint8Array, fps: number): Clip {
  let sps: Uint8Array | null = null;
  let pps: Uint8Array | null = null;
  let units: Uint8Array[] = [];
  let hasSlice = false;
  const pictures: ClipPicture[] = [];
  const finish = () => {
    const key = units.some((unit) => h264Type(unit) === H264.idr);
    if (hasSlice && (key || pictures.length > 0)) pictures.push({ units, key });
    units = [];
    hasSlice = false;
  };
  for (const unit of allUnits(bytes)) {
    const type = h264Type(unit);
    const isSlice = type === H264.slice || type === H264.idr;
    if (hasSlice && (!isSlice || beginsH264Picture(unit))) finish();
    if (type === H264.sps) sps ??= unit;
    else if (type === H264.pps) pps ??= unit;
    else if (type !== H264.delimiter) units.push(unit);
    hasSlice ||= isSlice;
  }
  finish();
  const facts = sps && parseH264Sps(sps);
  if (!sps || !pps || !facts || pictures.length === 0) throw new NvrError('bad_input', 'ffmpeg gave no H.264 pictures');
  return { sps, pps, width: facts.width, height: facts.height, fps, pictures };
}

/** `splitStartCodes` is bounded for packets; a clip has more units. */
function* allUnits(bytes: Uint8Array): Generator<Uint8Array> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const code = Buffer.from([0, 0, 1]);
  for (let start = view.indexOf(code); start >= 0; ) {
    const next = view.indexOf(code, start + 3);
    const piece = bytes.subarray(start, next < 0 ? bytes.length : next);
    for (const unit of splitStartCodes(piece)) if (unit.length > 0) yield unit;
    start = next;
  }
}
