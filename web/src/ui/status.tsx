// A camera's state in colour and in words.

import type { CameraInfo, CameraStatus } from '../api-types.ts';
import { moment } from '../format.ts';

type Tone = 'good' | 'busy' | 'bad' | 'off';

/** One or two words, and a tone. */
export function stateWord(status: CameraStatus): { readonly word: string; readonly tone: Tone } {
  switch (status.state) {
    case 'live':
      return { word: 'Live', tone: 'good' };
    case 'connecting':
      return { word: 'Connecting', tone: 'busy' };
    case 'coolingDown':
      return status.coolDownReason === 'released'
        ? { word: 'Released', tone: 'off' }
        : { word: 'Cooling down', tone: 'busy' };
    case 'backingOff':
      return { word: 'Away', tone: 'bad' };
    case 'refused':
      return { word: 'Refused', tone: 'bad' };
    case 'disabled':
      return { word: 'Switched off', tone: 'off' };
  }
}

/** A sentence or two: what is going on and what happens next. `null` while all is well. */
export function stateSentence(camera: CameraInfo): string | null {
  const { status } = camera;
  const next = status.nextAttemptAt ? ` Next try at ${moment(status.nextAttemptAt)}.` : '';
  const why = status.error ? ` ${status.error.message.replace(/[.\s]*$/, '')}.` : '';
  switch (status.state) {
    case 'live':
      return null;
    case 'connecting':
      return `${status.step ?? 'Calling the camera'}.${why}`;
    case 'coolingDown':
      return status.coolDownReason === 'released'
        ? `Perch stays away so that the vendor's app can have the camera${status.nextAttemptAt ? `, until ${moment(status.nextAttemptAt)}` : ''}.`
        : `The camera still talks to an old connection. Perch is silent until it lets go.${next}`;
    case 'backingOff':
      return `The camera does not answer.${why}${next}`;
    case 'refused':
      return `The camera refuses these settings.${why} Check its password and settings.`;
    case 'disabled':
      return 'This camera is switched off in its settings.';
  }
}

/** A dot and a word. */
export function StatusBadge({ status }: { status: CameraStatus }) {
  const { word, tone } = stateWord(status);
  return (
    <span class={`badge ${tone}`}>
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  );
}

/** Shown while the camera is being recorded. */
export function RecordingBadge({ status }: { status: CameraStatus }) {
  return status.recording ? (
    <span class="badge recording" title="Being recorded">
      <span class="dot" aria-hidden="true" />
      Rec
    </span>
  ) : null;
}
