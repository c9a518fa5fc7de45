// When a segment must end. Pure.

import { type Clock, wallOffset } from '../core/clock.ts';
import type { VideoFrame } from '../core/frame.ts';
import type { EndReason } from '../store/segment-index.ts';

/**
 * A host clock that was moved by more than this ends the segment. Slewing does not count: the kernel slews its monotonic
 * clock too. Starts must be right within 100 ms; NTP clients step from 128 ms (ntpd) or 400 ms (systemd) on.
 */
export const CLOCK_STEP_MS = 50;
/** Ends a segment whatever the boundaries say: a file must stay of a manageable length. */
export const MAX_SEGMENT_MS = 2 * 3600 * 1000;

/** What is known of the open segment. */
export type OpenFacts = {
  readonly startAt: number;
  readonly startMonoMs: number;
  readonly first: Pick<VideoFrame, 'codec' | 'width' | 'height' | 'codecConfig'>;
  readonly hasSound: boolean;
};

/** The picture that comes next, with its wall time corrected. */
export type NextPicture = { readonly frame: VideoFrame; readonly at: number; readonly soundWanted: boolean };

/**
 * Why the segment must end before this picture, or `null`.
 * Only a key picture can begin the next one, so any other answers `null`.
 */
export function chooseCut(open: OpenFacts, next: NextPicture, segmentSeconds: number): EndReason | null {
  const { frame, at } = next;
  if (!frame.key) return null;
  const moved = at - frame.monoMs - (open.startAt - open.startMonoMs);
  if (Math.abs(moved) > CLOCK_STEP_MS) return 'clockStep';
  const { first } = open;
  if (frame.codec !== first.codec || frame.width !== first.width || frame.height !== first.height)
    return 'formatChange';
  if (!sameBytes(frame.codecConfig, first.codecConfig)) return 'formatChange';
  if (next.soundWanted && !open.hasSound) return 'formatChange';
  const segmentMs = segmentSeconds * 1000;
  if (Math.floor(at / segmentMs) > Math.floor(open.startAt / segmentMs)) return 'boundary';
  return at - open.startAt >= MAX_SEGMENT_MS ? 'boundary' : null;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return a.every((byte, index) => byte === b[index]);
}

/**
 * The wall time of a frame. Sessions read the wall clock once; when the host's clock was stepped since then, the frame
 * gets the new time at once instead of at the next reconnect.
 */
export function wallTime(frame: { at: number; monoMs: number }, clock: Pick<Clock, 'wallMs' | 'monoMs'>): number {
  const stepMs = wallOffset(clock) - (frame.at - frame.monoMs);
  return Math.abs(stepMs) > CLOCK_STEP_MS ? frame.at + stepMs : frame.at;
}
