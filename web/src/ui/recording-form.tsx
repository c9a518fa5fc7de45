// When and how a camera is recorded.

import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, RecordingFormat, RecordingMode, RecordingSettings } from '../api-types.ts';
import { keepCamera } from '../cameras.ts';
import { Button } from './button.tsx';
import { EncoderFields } from './encoder-fields.tsx';
import { CheckField, ChoiceField, TextField } from './field.tsx';
import { LimitField } from './limit-field.tsx';
import { Notice } from './notice.tsx';
import { Rehearsal } from './rehearsal.tsx';
import { ScheduleEditor } from './schedule-editor.tsx';
import { notify } from './toasts.tsx';

// The server's bounds (server/core/camera-config.ts).
const SEGMENT_SECONDS = { min: 2, max: 3600 } as const;
const MAX_PRE_ROLL_SECONDS = 60;
const GIGABYTE = 1e9;

const modes: readonly { value: RecordingMode; label: string; hint: string }[] = [
  { value: 'off', label: 'Off', hint: 'Only when you press Record.' },
  { value: 'continuous', label: 'All the time', hint: 'Whenever the camera gives pictures.' },
  { value: 'schedule', label: 'By schedule', hint: 'At the hours below.' },
];
const formats: readonly { value: RecordingFormat; label: string; hint: string }[] = [
  {
    value: 'mp4',
    label: 'MP4',
    hint: 'Small files that play everywhere. Takes some processor time for cameras that send JPEG.',
  },
  {
    value: 'mjpeg',
    label: 'Untouched',
    hint: "The camera's own JPEG pictures in Matroska files: no processor time, large files.",
  },
];

export function RecordingForm({ camera }: { camera: CameraInfo }) {
  const now = camera.recording;
  const [mode, setMode] = useState(now.mode);
  const [schedules, setSchedules] = useState(now.schedules);
  const [format, setFormat] = useState(now.format);
  const [segmentSeconds, setSegmentSeconds] = useState(String(now.segmentSeconds));
  const [preRollSeconds, setPreRollSeconds] = useState(String(now.preRollSeconds));
  const [audio, setAudio] = useState(now.audio);
  const [encoder, setEncoder] = useState(now.encoder);
  const [days, setDays] = useState(now.retention.days === undefined ? '' : String(now.retention.days));
  const [gigabytes, setGigabytes] = useState(
    now.retention.maxBytes === undefined ? '' : String(now.retention.maxBytes / GIGABYTE),
  );
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const recording = {
    mode,
    schedules,
    format,
    segmentSeconds: Number(segmentSeconds),
    preRollSeconds: Number(preRollSeconds),
    audio,
    encoder,
    // null takes a limit away (merge patch).
    retention: {
      days: days === '' ? null : Number(days),
      maxBytes: gigabytes === '' ? null : Math.round(Number(gigabytes) * GIGABYTE),
    },
  };
  const costs = costsOf(recording);
  const isChanged = JSON.stringify(costs) !== JSON.stringify(costsOf(now));

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const result = await api.changeCamera(camera.slug, { recording });
    setBusy(false);
    if (!result.ok) return setError(result.error.message);
    keepCamera(result.value);
    notify('Saved.');
  }

  // A mode that this page does not offer yet stays as it is.
  const known = modes.some((option) => option.value === mode);
  const options = known ? modes : [...modes, { value: mode, label: 'On motion', hint: '' }];
  return (
    <section class="card" aria-label="Recording">
      <h2>Recording</h2>
      <form class="form" onSubmit={save}>
        <ChoiceField label="Record" value={mode} options={options} onValue={setMode} />
        {mode === 'schedule' && <ScheduleEditor rules={schedules} onRules={setSchedules} />}
        <ChoiceField label="Format" value={format} options={formats} onValue={setFormat} />
        <CheckField label="With sound" hint="Where the camera has a microphone." checked={audio} onChecked={setAudio} />
        <div class="form-row">
          <TextField
            label="Length of a file, seconds"
            type="number"
            required
            min={SEGMENT_SECONDS.min}
            max={SEGMENT_SECONDS.max}
            step={1}
            value={segmentSeconds}
            onValue={setSegmentSeconds}
          />
          <TextField
            label="Pre-roll, seconds"
            hint="Kept in memory, so that a recording begins before you press."
            type="number"
            required
            min={0}
            max={MAX_PRE_ROLL_SECONDS}
            step={1}
            value={preRollSeconds}
            onValue={setPreRollSeconds}
          />
        </div>
        <div class="form-row">
          <LimitField label="Keep for, days" placeholder="for ever" value={days} onValue={setDays} />
          <LimitField label="At most, GB" placeholder="no limit" value={gigabytes} onValue={setGigabytes} />
        </div>
        {format === 'mp4' && camera.status.codec === 'mjpeg' && <EncoderFields value={encoder} onValue={setEncoder} />}
        {camera.status.encoderNote && <Notice kind="warn">{camera.status.encoderNote}</Notice>}
        {mode !== 'off' && <Rehearsal camera={camera} recording={costs} isChanged={isChanged} />}
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" busy={busy}>
            Save
          </Button>
        </div>
      </form>
    </section>
  );
}

type Costs = Pick<RecordingSettings, 'mode' | 'schedules' | 'format' | 'audio' | 'encoder'> & {
  readonly retention: { readonly days?: number | null; readonly maxBytes?: number | null };
};

/** What decides what a recording takes, in one order. */
function costsOf({ mode, schedules, format, audio, encoder, retention }: Costs): Costs {
  const { days = null, maxBytes = null } = retention;
  const { kind, preset, quality } = encoder;
  return { mode, schedules, format, audio, encoder: { kind, preset, quality }, retention: { days, maxBytes } };
}
