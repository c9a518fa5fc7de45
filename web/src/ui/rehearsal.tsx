// What recording with the settings in the form would take: Perch measures it on the camera for ten seconds, before saving.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, Rehearsal as Figures, RecordingLimit } from '../api-types.ts';
import * as format from '../format.ts';
import { Button } from './button.tsx';

/** Typing is over after this. */
const SETTLE_MS = 800;
/** The server ends an abandoned measurement first. */
const AGAIN_MS = 1000;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'measuring' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'measured'; readonly figures: Figures };

type Props = {
  readonly camera: CameraInfo;
  /** The form's settings as they would be saved. */
  readonly recording: object;
  /** They are not those that are saved: measured without being asked. */
  readonly isChanged: boolean;
};

export function Rehearsal({ camera, recording, isChanged }: Props) {
  const [state, setState] = useState<State>({ kind: 'idle' });
  const [asked, setAsked] = useState(0);
  const key = JSON.stringify(recording);
  useEffect(() => {
    if (!isChanged && asked === 0) return setState({ kind: 'idle' });
    const abort = new AbortController();
    let timer = setTimeout(() => void measure(), asked > 0 && !isChanged ? 0 : SETTLE_MS);
    async function measure() {
      setState({ kind: 'measuring' });
      const result = await api.rehearse(camera.slug, JSON.parse(key) as object, abort.signal);
      if (abort.signal.aborted) return;
      if (result.ok) setState({ kind: 'measured', figures: result.value });
      else if (result.error.code === 'conflict') timer = setTimeout(() => void measure(), AGAIN_MS);
      else setState({ kind: 'failed', message: result.error.message });
    }
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [camera.slug, key, isChanged, asked]);

  return (
    <div class="rehearsal" role="status" aria-live="polite">
      {state.kind === 'idle' && (
        <Button icon="clock" onClick={() => setAsked(asked + 1)}>
          Measure what it takes
        </Button>
      )}
      {state.kind === 'measuring' && (
        <p class="soft">
          <span class="spinner" aria-hidden="true" /> Measuring on this camera for ten seconds. You may save before it
          is done.
        </p>
      )}
      {state.kind === 'failed' && <p class="soft">Not measured: {state.message}</p>}
      {state.kind === 'measured' && <Shown figures={state.figures} />}
    </div>
  );
}

function Shown({ figures }: { figures: Figures }) {
  const { bytesPerDay, hoursPerDay, processorShare, keepsDays, limitedBy, encodes } = figures;
  return (
    <dl class="figures">
      <div class="figure">
        <dt class="soft">A day</dt>
        <dd>
          <strong>{format.bytes(bytesPerDay)}</strong>
          {hoursPerDay < 24 && (
            <span class="soft small"> in {format.count(Math.round(hoursPerDay * 10) / 10)} hours</span>
          )}
        </dd>
      </div>
      <div class="figure">
        <dt class="soft">Kept</dt>
        <dd>
          <strong>{keepsDays === null ? 'for ever' : daysText(keepsDays)}</strong>
          {limitedBy && <span class="soft small"> {limitSentences[limitedBy]}</span>}
        </dd>
      </div>
      <div class="figure">
        <dt class="soft">Processor</dt>
        <dd>
          <strong>{processorShare === null ? 'not known' : `${(processorShare * 100).toFixed(1)} %`}</strong>
          <span class="soft small"> of one core{encodes ? ', for encoding' : ''}</span>
        </dd>
      </div>
    </dl>
  );
}

/** Why recordings go when they do. */
export const limitSentences: Readonly<Record<RecordingLimit, string>> = {
  days: 'by its own limit of days',
  bytes: 'by its own limit of size',
  total: 'by the limit for all cameras',
  disk: 'by the room on the disk',
};

/** Days in words. */
export function daysText(days: number): string {
  if (days < 1) return 'less than a day';
  return days > 730 ? 'years' : `${Math.floor(days)} ${Math.floor(days) === 1 ? 'day' : 'days'}`;
}
