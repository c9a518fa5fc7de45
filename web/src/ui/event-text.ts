// Events in words. Unknown types, of a newer server, are shown by their name.

import type { EventEntry } from '../api-types.ts';
import * as format from '../format.ts';

const sentences: Readonly<Record<string, string>> = {
  'camera.added': 'Was added',
  'camera.changed': 'Settings were changed',
  'camera.removed': 'Was removed',
  'camera.wentLive': 'Gives pictures',
  'camera.lost': 'Gives no pictures',
  'camera.encoderFellBack': 'Another encoder stands in',
  'camera.moved': 'Was found at a new address',
  'segment.opened': 'Recording began',
  'segment.closed': 'A recording was saved',
  'segment.adopted': 'A recording was rescued after a crash',
  'segment.deleted': 'A recording was deleted',
  'segment.lost': 'A recording is missing on the disk',
  'segment.quarantined': 'A damaged recording was put aside',
  'recording.failed': 'Recording failed',
  'recording.clockStepped': "The computer's clock was set while recording",
  'storage.full': 'The disk is full',
};

function textOf(event: EventEntry, name: string): string | null {
  const value = event.data?.[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** One line about an event. Text in it may come from a camera: show it as text only. */
export function eventSentence(event: EventEntry): string {
  const base = sentences[event.type] ?? event.type;
  const bytes = event.data?.bytes;
  const detail =
    event.message ??
    textOf(event, 'message') ??
    textOf(event, 'host') ??
    textOf(event, 'file') ??
    (typeof bytes === 'number' ? format.bytes(bytes) : null);
  return detail ? `${base}: ${detail}` : base;
}

/** The colour of an event. */
export function eventTone(event: EventEntry): 'good' | 'bad' | 'busy' | 'off' {
  if (['camera.lost', 'recording.failed', 'storage.full', 'segment.lost', 'segment.quarantined'].includes(event.type))
    return 'bad';
  if (event.type === 'camera.wentLive') return 'good';
  return event.type === 'segment.adopted' || event.type === 'camera.moved' ? 'busy' : 'off';
}
