// The newest picture of a camera as a JPEG, without a running process: for JPEG cameras as it is, for others by decoding
// one key picture (and what follows it, only when the key picture is too old for the asker).

import { decodeLast } from '../cameras/coded-run.ts';
import type { FrameHub } from '../cameras/frame-hub.ts';
import type { VideoFrame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import { Turns } from '../core/turns.ts';

/** ffmpegs for single pictures at once; others wait. */
const MAX_RUNNING = 2;
const MAX_WAITING = 50;
/** Pictures after a key picture that are decoded for the sake of age. */
const MAX_GROUP = 300;
/** One picture takes some tens of milliseconds, more on a busy machine. */
const FINISH_MS = 8000;

const decoded = new WeakMap<VideoFrame, Promise<VideoFrame>>();
const turns = new Turns({
  ...{ most: MAX_RUNNING, maxWaiting: MAX_WAITING },
  tooMany: () => new NvrError('unavailable', 'Too many pictures are asked for at once'),
});

/** The newest key picture in the ring and all after it; empty when there is none. */
export function newestGroup(hub: FrameHub): VideoFrame[] {
  using reader = hub.open({ kinds: 'video', policy: 'every', start: 'newestKey' });
  const group: VideoFrame[] = [];
  for (let item = reader.poll(); item && group.length < MAX_GROUP; item = reader.poll()) {
    if (item.frame.kind === 'video') group.push(item.frame);
  }
  return group;
}

/**
 * The frame that a still is made of: the newest JPEG; for a coded camera its newest key picture, or the newest picture
 * when the key picture is older than wanted. `null` when there is none young enough.
 */
export function stillFrame(hub: FrameHub, nowMs: number, maxAgeMs: number | null): VideoFrame | null {
  const isYoung = (frame: VideoFrame) => maxAgeMs === null || nowMs - frame.monoMs <= maxAgeMs;
  const newest = hub.newestVideo?.frame;
  if (!newest || !isYoung(newest)) return null;
  if (newest.codec === 'mjpeg') return newest;
  const group = newestGroup(hub);
  const key = group[0];
  if (!key) return null;
  return isYoung(key) ? key : (group.at(-1) ?? null);
}

/**
 * That frame as a JPEG, with its times. Decoded once, however many ask.
 * @throws NvrError `unavailable` when it cannot be decoded
 */
export function stillOf(hub: FrameHub, frame: VideoFrame): Promise<VideoFrame> {
  if (frame.codec === 'mjpeg') return Promise.resolve(frame);
  const known = decoded.get(frame);
  if (known) return known;
  const group = frame.key ? [frame] : newestGroup(hub);
  const end = group.indexOf(frame);
  const result = turns.run(() => decodeLast(end < 0 ? group : group.slice(0, end + 1), FINISH_MS));
  decoded.set(frame, result);
  return result;
}
