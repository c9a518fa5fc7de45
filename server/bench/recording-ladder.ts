// How many H.264 cameras this machine records: 1080p25 of 4 Mbit/s, copied, more and more of them until pictures are lost or
// the event loop is late. The pictures come from memory: what a camera's protocol takes is in h264.ts.

import { defaultRecording } from '../core/camera-config.ts';
import { encodeAvcC } from '../media/h264.ts';
import { joinUnits } from '../media/nal.ts';
import { loadClip } from '../sim/rtsp/clip.ts';
import { type Feed, type RecordingFigure, record } from './recording.ts';

const STEPS = [8, 16, 32, 64] as const;
const QUICK_STEPS = [8] as const;
const SECONDS = 20;
const QUICK_SECONDS = 8;
/** One boundary, where all begin a file at once, is inside each step. */
const SEGMENT_SECONDS = 15;
const QUICK_SEGMENT_SECONDS = 6;
const SIZE = { width: 1920, height: 1080 };
const FPS = 25;
const BITS_PER_SECOND = 4_000_000;
/** A loop that is later than this has no time left: pictures of a camera would wait as long. */
const MAX_LATE_MS = 500;
/** Begin no step that may not end in time. */
const TIME_MS = 150_000;

/** What was found. */
export type RecordingLadder = {
  readonly steps: readonly RecordingFigure[];
  /** The most that were recorded without loss and in time. */
  readonly cameras: number;
  readonly limit: 'pictures were lost' | 'the event loop was late' | 'not reached';
};

/** Climbs until it does not go on. */
export async function measureRecordingLadder({ quick }: { readonly quick: boolean }): Promise<RecordingLadder> {
  const began = performance.now();
  const clip = await loadClip({ source: 'testsrc', ...SIZE, fps: FPS, seconds: 4, bitRate: BITS_PER_SECOND });
  const codecConfig = encodeAvcC([clip.sps], [clip.pps]);
  const pictures = clip.pictures.map(({ key, units }) => ({ key, data: joinUnits([...units]) }));
  const feed: Feed = {
    ...{ kind: 'H.264 1080p25, copied', format: 'mp4', fps: FPS, size: SIZE, plain: ['-c', 'copy'] },
    picture: (n) => ({ codec: 'h264', codecConfig, ...pictures[n % pictures.length]! }),
  };
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const segmentSeconds = quick ? QUICK_SEGMENT_SECONDS : SEGMENT_SECONDS;
  const steps: RecordingFigure[] = [];
  let cameras = 0;
  for (const count of quick ? QUICK_STEPS : STEPS) {
    if (performance.now() - began > TIME_MS) break;
    const step = await record(feed, count, seconds, {
      segmentSeconds,
      preRollSeconds: defaultRecording.preRollSeconds,
      beside: false,
    });
    steps.push(step);
    if (step.missed > 0) return { steps, cameras, limit: 'pictures were lost' };
    if (step.lateMs > MAX_LATE_MS) return { steps, cameras, limit: 'the event loop was late' };
    cameras = count;
  }
  return { steps, cameras, limit: 'not reached' };
}
