// Makes one export in its work folder, then moves it to its place. What is finished in the work folder is not made again
// after a restart.

import { copyFile, link, mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NvrError } from '../core/nvr-error.ts';
import { exportPieceJob, joinJob, joinList, parseProgress } from '../ffmpeg/export-job.ts';
import { FfmpegProcess } from '../ffmpeg/ffmpeg-process.ts';
import { ffprobe } from '../ffmpeg/ffprobe.ts';
import type { FfmpegJob } from '../ffmpeg/job.ts';
import { cutMp4 } from './export-cut.ts';
import { choosePlan, type ExportSource } from './export-plan.ts';
import type { PlaybackFile, PlaybackSource } from './playback-source.ts';
import { diskError, type SegmentFiles } from './segment-files.ts';

/** Share of the progress bar that making pieces takes; joining them is quick. */
const PIECES_SHARE = 0.9;

/** What one export is made from. */
export type ExportRunOptions = {
  readonly camera: string;
  readonly from: number;
  readonly to: number;
  readonly source: PlaybackSource;
  readonly files: SegmentFiles;
  /** Folder for everything unfinished. */
  readonly work: string;
  readonly target: string;
  readonly maxFiles: number;
  readonly signal: AbortSignal;
  /** Share of the work that is done, 0 to 1; `kept`: an earlier life did it. */
  readonly onProgress: (share: number, kept?: boolean) => void;
};

/** A recording held fast in the work folder: deleting it elsewhere does not disturb. */
type Held = ExportSource & {
  /** In the work folder. */
  readonly name: string;
  /** What of it is used, milliseconds from its begin. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Whether only a part is used and must still be cut out. */
  readonly cut: boolean;
};

/** Makes the file. @returns its size. @throws NvrError */
export async function runExport(options: ExportRunOptions): Promise<number> {
  const { work, target, source, camera, from, to, maxFiles, signal, onProgress } = options;
  try {
    await mkdir(work, { recursive: true });
  } catch (error) {
    throw diskError(error, 'The export cannot be begun');
  }
  const held: Held[] = [];
  for (const file of source.find(camera, from, to, maxFiles)) {
    signal.throwIfAborted();
    const one = await hold(file, options);
    if (one) held.push(one);
  }
  if (held.length === 0) throw new NvrError('not_found', 'Nothing of this span is there any more');
  const { form } = choosePlan(held);
  const totalMs = held.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const parts: { name: string; durationMs: number }[] = [];
  let doneMs = 0;
  for (const one of held) {
    signal.throwIfAborted();
    const { name, durationMs } = one;
    if (!form) {
      parts.push({ name, durationMs });
      continue;
    }
    const made = `made-${name.replace(/\.\w+$/, '')}.mp4`;
    const before = doneMs;
    if (!(await exists(join(work, made)))) {
      const span = one.cut ? { start: one.startMs / 1000, duration: durationMs / 1000 } : { start: 0, duration: null };
      const piece = { file: join(work, name), hasSound: one.audio !== null, lengthMs: durationMs, ...span };
      await run(exportPieceJob(piece, form, join(work, `${made}.part`)), signal, (ms) => {
        onProgress((PIECES_SHARE * (before + Math.min(ms, durationMs))) / totalMs);
      });
      await keep(join(work, `${made}.part`), join(work, made));
    } else onProgress((PIECES_SHARE * (before + durationMs)) / totalMs, true);
    doneMs += durationMs;
    parts.push({ name: made, durationMs });
  }
  const list = join(work, 'list.ffconcat');
  await writeFile(list, joinList(parts)).catch((error: unknown) => {
    throw diskError(error, 'The export cannot be written');
  });
  const base = form ? PIECES_SHARE : 0;
  const joined = join(work, 'joined.mp4.part');
  await run(joinJob(list, joined), signal, (ms) => onProgress(base + ((1 - base) * ms) / totalMs));
  return finish(joined, target);
}

/** Holds a recording in the work folder. @returns `null` for one that is gone or cannot be read */
async function hold(file: PlaybackFile, { source, files, work, from, to }: ExportRunOptions): Promise<Held | null> {
  const extension = file.format === 'mp4' ? 'mp4' : 'mkv';
  const startMs = Math.max(0, from - file.startAt);
  const endMs = Math.min(to, file.endAt) - file.startAt;
  const name = `${file.startAt}.${extension}`;
  const path = join(work, name);
  const isClipped = file.endReason === 'clockStep';
  const whole = startMs === 0 && to >= file.endAt && file.indexed && !isClipped;
  try {
    if (file.format === 'mp4') {
      const index = await source.fragments(file);
      if (!index) return null;
      const tracks = async () => {
        const { audio, width, height } = await readTracks(path);
        return { ...file, signature: index.signature, audio, width, height, name, cut: false };
      };
      if (whole) {
        await linkOrCopy(await files.locate(file.path), path);
        return { ...(await tracks()), startMs: 0, durationMs: file.endAt - file.startAt };
      }
      const cut = await cutMp4(await files.locate(file.path), path, startMs, endMs);
      if (!cut) return null;
      return { ...(await tracks()), ...cut };
    }
    if (!(await exists(path))) {
      // An open file grows: what it has now is copied. A closed one never changes.
      if (file.indexed) await linkOrCopy(await files.locate(file.path), path);
      else await copyWhole(await files.locate(file.path), path);
    }
    const { audio, width, height } = await readTracks(path);
    const span = { startMs, durationMs: endMs - startMs, cut: !whole };
    return { ...file, signature: null, audio, width, height, name, ...span };
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'not_found' || code === 'ENOENT' || code === 'protocol') return null;
    throw error instanceof NvrError ? error : diskError(error, 'A recording cannot be read');
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  if (await exists(to)) return;
  await link(from, to).catch(() => copyWhole(from, to));
}

/** A copy is there whole or not at all: a start after a kill takes what is there for finished. */
async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.part`);
  await keep(`${to}.part`, to);
}

/** What has its name is whole, after a power cut too. */
async function keep(part: string, to: string): Promise<void> {
  await sync(part);
  await rename(part, to);
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Size of the pictures and form of the sound, as ffprobe sees them. */
async function readTracks(file: string): Promise<Pick<ExportSource, 'audio' | 'width' | 'height'>> {
  const asked = ['-show_entries', 'stream=codec_type,width,height,sample_rate,channels'];
  const { streams = [] } = await ffprobe(file, asked);
  const video = streams.find(({ codec_type }) => codec_type === 'video');
  const sound = streams.find(({ codec_type }) => codec_type === 'audio');
  const [sampleRate, channels] = [Number(sound?.sample_rate), Math.min(2, Number(sound?.channels))];
  return {
    audio: sampleRate > 0 && channels > 0 ? { sampleRate, channels } : null,
    width: Number(video?.width ?? 0),
    height: Number(video?.height ?? 0),
  };
}

/** Runs one ffmpeg to its end. @throws NvrError as it ended, `cancelled` */
async function run(job: FfmpegJob, signal: AbortSignal, onMs: (ms: number) => void): Promise<void> {
  const ffmpeg = FfmpegProcess.start(job, {
    onLine: (line) => {
      const ms = parseProgress(line);
      if (ms !== null) onMs(ms);
    },
  });
  const leave = () => void ffmpeg.kill();
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    const { error } = await ffmpeg.exited;
    signal.throwIfAborted();
    if (error) throw error;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** fsync, rename, fsync of the folder. @returns the size */
async function finish(part: string, target: string): Promise<number> {
  try {
    const { size } = await sync(part);
    await rename(part, target);
    await sync(dirname(target));
    return size;
  } catch (error) {
    throw diskError(error, 'The export cannot be finished');
  }
}

async function sync(path: string): Promise<{ size: number }> {
  await using handle = await open(path, 'r');
  await handle.sync();
  return handle.stat();
}
