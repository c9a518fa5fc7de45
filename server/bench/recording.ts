// What recording costs: bytes written beside the camera's own bytes, and processor per camera, beside a plain ffmpeg that does
// the same with a file. In real time.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus } from '../core/bus.ts';
import { systemClock } from '../core/clock.ts';
import { MatroskaWriter } from '../media/matroska-writer.ts';
import { Recorder } from '../recording/recorder.ts';
import { SegmentFiles } from '../recording/segment-files.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { openDatabase } from '../store/database.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { codedClip } from '../test/paced-recording.ts';
import { FedCamera } from '../test/recording-fixture.ts';
import { cpuSeconds, wait } from './process-stats.ts';

const SECONDS = 20;
const QUICK_SECONDS = 8;
const SEGMENT_SECONDS = 5;
const SAMPLE_MS = 50;
const SIZE = { width: 640, height: 480 };
const JPEG_BYTES = 30_000;

/** One way of recording. Shares are of one processor. */
export type RecordingFigure = {
  readonly kind: string;
  readonly cameras: number;
  readonly seconds: number;
  readonly payloadBytes: number;
  readonly writtenBytes: number;
  readonly perchShare: number;
  readonly ffmpegShare: number;
  /** A plain ffmpeg; `null` where that was not measured. */
  readonly plainShare: number | null;
  /** Pictures that were given and are in no file. */
  readonly missed: number;
  /** How much later than due a round of pictures was given at worst: the event loop had no time. */
  readonly lateMs: number;
};

/** Pictures of a camera, and how a plain ffmpeg records them. */
export type Feed = {
  readonly kind: string;
  readonly format: 'mjpeg' | 'mp4';
  readonly fps: number;
  readonly size?: { readonly width: number; readonly height: number };
  readonly plain: readonly string[];
  picture(number: number): { codec: 'mjpeg' | 'h264'; key: boolean; data: Uint8Array; codecConfig?: Uint8Array };
};

/** Watches our children that are ffmpeg, until each is gone: bytes given to `write`, and processor. */
class Children {
  readonly #seen = new Map<number, { bytes: number; cpu: number }>();

  sample(): void {
    for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
      try {
        if (Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) !== process.pid) continue;
        const args = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        if (!args.includes('ffmpeg')) continue;
        const bytes = args.includes('.part')
          ? Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
          : 0;
        this.#seen.set(pid, { bytes, cpu: cpuSeconds(pid) });
      } catch {
        // It has ended.
      }
    }
  }

  sum(): { bytes: number; cpu: number } {
    return [...this.#seen.values()].reduce((a, b) => ({ bytes: a.bytes + b.bytes, cpu: a.cpu + b.cpu }), {
      bytes: 0,
      cpu: 0,
    });
  }
}

/** Records so many cameras with the same pictures. @param beside whether a plain ffmpeg is measured, too */
export async function record(
  feed: Feed,
  cameras: number,
  seconds: number,
  { segmentSeconds = SEGMENT_SECONDS, preRollSeconds = 0, beside = true } = {},
): Promise<RecordingFigure> {
  const dataDir = mkdtempSync(join(tmpdir(), 'perch-bench-rec-'));
  const db = openDatabase(':memory:');
  try {
    const parts = { files: new SegmentFiles(dataDir), index: new SegmentIndex(db), bus: new Bus(), clock: systemClock };
    const runs = Array.from({ length: cameras }, (_, n) => {
      const settings = { format: feed.format, segmentSeconds, preRollSeconds };
      const camera = new FedCamera(systemClock, settings, `cam_${n}`, `cam-${n}`);
      return { camera, recorder: new Recorder({ ...parts, camera }) };
    });
    for (const { recorder } of runs) recorder.start();
    const children = new Children();
    const began = performance.now();
    const cpuBefore = process.cpuUsage();
    let payloadBytes = 0;
    let watching = 0;
    let lateMs = 0;
    for (let n = 0; n < seconds * feed.fps; n++) {
      let watchedMs = 0;
      for (const { camera } of runs) {
        const { data, ...picture } = feed.picture(n);
        payloadBytes += data.byteLength;
        const time = { at: systemClock.wallMs(), monoMs: systemClock.monoMs() };
        camera.hub.publish({ kind: 'video', ...(feed.size ?? SIZE), ...picture, ...time, data, mediaMs: null });
      }
      if (n % Math.ceil((feed.fps * SAMPLE_MS * 4) / 1000) === 0) {
        const before = process.cpuUsage().user;
        const begunMs = performance.now();
        children.sample();
        watching += process.cpuUsage().user - before;
        watchedMs = performance.now() - begunMs;
      }
      const dueMs = began + ((n + 1) * 1000) / feed.fps;
      await wait(Math.max(0, dueMs - performance.now()));
      // Looking at all processes takes its time, too: that is not Perch's.
      lateMs = Math.max(lateMs, performance.now() - dueMs - watchedMs);
    }
    children.sample();
    const spent = (performance.now() - began) / 1000;
    const cpu = process.cpuUsage(cpuBefore);
    let missed = 0;
    await Promise.all(
      runs.map(async ({ recorder, camera }) => {
        await recorder.stop();
        await camera.encoded.stop();
        missed += recorder.tally.get('missed');
      }),
    );
    const { cpu: ffmpegSeconds } = children.sum();
    // What is on the disk is what was written, but for what is written in place at the end: counted from the files.
    const rows = [...parts.index.rows()];
    // What is copied must be in a file, whoever lost it.
    const given = Math.ceil(seconds * feed.fps) * cameras;
    if (feed.plain.includes('copy'))
      missed = Math.max(missed, given - rows.reduce((sum, { frames }) => sum + frames, 0));
    const writtenBytes = Math.max(
      children.sum().bytes,
      rows.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    return {
      ...{ kind: feed.kind, cameras, seconds: spent, payloadBytes, writtenBytes, missed, lateMs },
      perchShare: (cpu.user + cpu.system - watching) / 1e6 / spent / cameras,
      ffmpegShare: ffmpegSeconds / spent / cameras,
      plainShare: beside ? await plain(feed, seconds, dataDir) : null,
    };
  } finally {
    db.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The same pictures from a file, at their own pace, by ffmpeg alone. @returns share of a processor */
async function plain(feed: Feed, seconds: number, folder: string): Promise<number> {
  const { codec, codecConfig } = feed.picture(0);
  const writer = new MatroskaWriter([{ kind: 'video', codec, ...SIZE, ...(codecConfig && { codecConfig }) }]);
  const bytes = [writer.header()];
  for (let n = 0; n < seconds * feed.fps; n++) {
    const { key, data } = feed.picture(n);
    bytes.push(...writer.frame(0, (n * 1000) / feed.fps, key, data));
  }
  const source = join(folder, 'plain.mkv');
  writeFileSync(source, Buffer.concat(bytes));
  const ffmpeg = spawn('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-i', source, ...feed.plain, '-f', 'segment'],
    ...['-segment_time', String(SEGMENT_SECONDS), join(folder, `plain-%d.${feed.format === 'mp4' ? 'mp4' : 'mkv'}`)],
  ]);
  const ended = once(ffmpeg, 'exit');
  let cpu = 0;
  const timer = setInterval(() => {
    try {
      cpu = cpuSeconds(ffmpeg.pid ?? 0);
    } catch {
      // It has ended.
    }
  }, SAMPLE_MS);
  await ended;
  clearInterval(timer);
  return cpu / seconds;
}

/** Measures one camera of each kind; how many there may be is in recording-ladder.ts. */
export async function measureRecording({ quick }: { readonly quick: boolean }): Promise<RecordingFigure[]> {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const jpegs = new CountedPictures({ ...SIZE, minBytes: JPEG_BYTES, maxBytes: JPEG_BYTES, count: 64 });
  const clip = await codedClip();
  const jpeg = (n: number) => ({ codec: 'mjpeg' as const, key: true, data: jpegs.picture(n).data });
  const copy = ['-c', 'copy'];
  const feeds: Feed[] = [
    { kind: 'JPEG, untouched', format: 'mjpeg', fps: 20, plain: copy, picture: jpeg },
    {
      ...{ kind: 'H.264, copied', format: 'mp4', fps: 25, plain: copy },
      picture: (n) => ({ codec: 'h264', codecConfig: clip.codecConfig, ...clip.pictures[n % clip.pictures.length]! }),
    },
    {
      ...{ kind: 'JPEG, encoded', format: 'mp4', fps: 20, picture: jpeg },
      plain: ['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-threads', '1', '-pix_fmt', 'yuv420p'],
    },
  ];
  const figures: RecordingFigure[] = [];
  for (const feed of feeds) figures.push(await record(feed, 1, seconds));
  return figures;
}
