// Why a moment is missing, in words. Pure.

import type { GapReason } from '../api-types.ts';
import * as format from '../format.ts';
import { DAY_MS } from './scale.ts';
import type { Found, GapSpan, Span } from './spans.ts';

const reasons: Readonly<Record<GapReason, string>> = {
  offline: 'Camera offline',
  refused: 'Camera refused the sign-in',
  cameraDisabled: 'Camera switched off in Perch',
  released: "Released to the vendor's app",
  recorderFailed: 'Recording failed',
  perchDown: 'Perch was not running',
  diskFull: 'Disk full',
  storageMissing: 'Storage missing',
  clockStep: "Perch's clock was changed",
  deleted: 'Deleted',
};

/** `Camera offline`. A reason of a newer server is shown by its name. */
export function reasonText(reason: GapReason): string {
  return reasons[reason] ?? reason;
}

/** `14:02:10–14:05:00`, with the day where it is not the same. */
export function spanText({ from, to }: Span): string {
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  if (sameDay) return `${format.timeOfDay(from)}–${format.timeOfDay(to)}`;
  return `${format.day(from)}, ${format.timeOfDay(from)} – ${format.day(to)}, ${format.timeOfDay(to)}`;
}

/** `Camera offline 14:02:10–14:05:00 (2 min 50 s)`. */
export function gapSentence(gap: GapSpan): string {
  return `${reasonText(gap.reason)} ${spanText(gap)} (${format.duration(gap.to - gap.from)})`;
}

/** What is at a moment, in a sentence. */
export function foundSentence(found: Found): string {
  switch (found.kind) {
    case 'gap':
      return gapSentence(found.span);
    case 'recorded':
      return found.span.to - found.span.from >= DAY_MS ? 'Recorded' : `Recorded ${spanText(found.span)}`;
    case 'future':
      return 'Not yet';
    case 'nothing':
      return 'Recording was not on';
  }
}

/** Said when playback jumps over a hole. @param unplayable what is recorded there, when it is only the browser's fault */
export function jumpSentence(gap: Span, reason: GapReason | null, unplayable: string | null = null): string {
  const length = format.duration(gap.to - gap.from);
  if (unplayable) return `Skipped ${length}: this browser cannot play ${unplayable}`;
  if (!reason) return `Skipped ${length} without recording`;
  const text = reasonText(reason);
  const plain = text.startsWith('Perch') ? text : text.charAt(0).toLowerCase() + text.slice(1);
  return `Skipped ${length}: ${plain}`;
}
