// How a JPEG camera's pictures become H.264, and what of it this machine can do.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { EncoderInfo, RecordingSettings } from '../api-types.ts';
import { SelectField, TextField } from './field.tsx';

type Encoder = RecordingSettings['encoder'];

// Short enough for a phone, with what is said behind them.
const names: Readonly<Record<string, string>> = {
  libx264: 'Processor (libx264)',
  vaapi: 'Intel, AMD (VAAPI)',
  qsv: 'Intel Quick Sync',
  v4l2m2m: 'Raspberry Pi (V4L2)',
  nvenc: 'NVIDIA (NVENC)',
};
const presets = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium'];
// The server's bound (server/cameras/settings-check.ts).
const MAX_QUALITY = 51;

export function EncoderFields({ value, onValue }: { value: Encoder; onValue: (value: Encoder) => void }) {
  const [known, setKnown] = useState<readonly EncoderInfo[]>([]);
  useEffect(() => {
    void api.encoders().then((result) => result.ok && setKnown(result.value));
  }, []);
  const chosen = known.find(({ kind }) => kind === value.kind);
  const kinds = [
    { value: 'auto', label: 'By itself' },
    ...known.map(({ kind, state }) => ({
      value: kind,
      label: `${names[kind] ?? kind}${state === 'fails' ? ', not here' : ''}`,
    })),
  ];
  if (!kinds.some((one) => one.value === value.kind)) kinds.push({ value: value.kind, label: value.kind });
  const steps = presets.includes(value.preset) ? presets : [...presets, value.preset];
  return (
    <details class="more">
      <summary>Encoder</summary>
      <div class="stack">
        <SelectField
          label="Encode with"
          value={value.kind}
          options={kinds}
          onValue={(kind) => onValue({ ...value, kind })}
          hint={
            chosen?.state === 'fails'
              ? `libx264 does the work instead: ${chosen.reason ?? 'it does not work'}`
              : undefined
          }
        />
        <div class="form-row">
          <SelectField
            label="Speed"
            value={value.preset}
            options={steps.map((step) => ({ value: step, label: step }))}
            onValue={(preset) => onValue({ ...value, preset })}
            hint="Slower makes smaller files."
          />
          <TextField
            label="Quality"
            type="number"
            required
            min={0}
            max={MAX_QUALITY}
            step={1}
            value={String(value.quality)}
            onValue={(quality) => onValue({ ...value, quality: Number(quality) })}
            hint="Lower is better; 23 is usual."
          />
        </div>
      </div>
    </details>
  );
}
