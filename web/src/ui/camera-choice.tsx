// Which cameras a user or a token may see: all, or some.

import { cameras } from '../cameras.ts';
import { CheckField, ChoiceField } from './field.tsx';

type Props = { readonly value: readonly string[] | null; readonly onValue: (value: readonly string[] | null) => void };

/** `null` means all, also those that are added later. */
export function CameraChoice({ value, onValue }: Props) {
  const list = cameras.value ?? [];
  return (
    <div class="stack">
      <ChoiceField
        label="Cameras"
        value={value === null ? 'all' : 'some'}
        options={[
          { value: 'all', label: 'All', hint: 'Also those that are added later.' },
          { value: 'some', label: 'Some' },
        ]}
        onValue={(choice) => onValue(choice === 'all' ? null : [])}
      />
      {value !== null && (
        <div class="camera-checks">
          {list.map((camera) => (
            <CheckField
              key={camera.id}
              label={camera.name}
              checked={value.includes(camera.slug)}
              onChecked={(on) => onValue(on ? [...value, camera.slug] : value.filter((slug) => slug !== camera.slug))}
            />
          ))}
          {list.length === 0 && <p class="hint">There are no cameras yet.</p>}
        </div>
      )}
    </div>
  );
}

/** `all cameras`, or their names. */
export function camerasText(value: readonly string[] | null): string {
  if (value === null) return 'all cameras';
  if (value.length === 0) return 'no camera';
  return value
    .map((slug) => cameras.value?.find((camera) => camera.slug === slug || camera.id === slug)?.name ?? slug)
    .join(', ');
}
