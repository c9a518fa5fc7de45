// The connection settings of a camera, drawn from its driver's schema.

import { CheckField, SelectField, TextField } from './field.tsx';
import { type FieldValues, MASKED, type SettingField } from './setting-fields.ts';

type Props = {
  readonly fields: readonly SettingField[];
  readonly values: FieldValues;
  readonly onValues: (values: FieldValues) => void;
  /** Only the secrets are shown at once: the rest was found on the network. */
  readonly found?: boolean;
};

export function SettingsForm({ fields, values, onValues, found = false }: Props) {
  const isAside = (field: SettingField) => (found ? field.kind !== 'secret' : field.advanced);
  const draw = (field: SettingField) => (
    <Setting
      key={field.name}
      field={field}
      value={values[field.name] ?? ''}
      onValue={(value) => onValues({ ...values, [field.name]: value })}
    />
  );
  const aside = fields.filter(isAside);
  const inUse =
    !found && aside.some((field) => (values[field.name] ?? '') !== '' && values[field.name] !== field.fallback);
  return (
    <>
      {fields.filter((field) => !isAside(field)).map(draw)}
      {aside.length > 0 && (
        <details class="more" open={inUse}>
          <summary>More settings</summary>
          <div class="stack">{aside.map(draw)}</div>
        </details>
      )}
    </>
  );
}

function Setting({ field, value, onValue }: { field: SettingField; value: string; onValue: (value: string) => void }) {
  const { kind, title, hint, required } = field;
  if (kind === 'switch') {
    return <CheckField label={title} hint={hint} checked={value === 'true'} onChecked={(on) => onValue(String(on))} />;
  }
  if (kind === 'choice') {
    return <SelectField label={title} hint={hint} value={value} options={field.choices} onValue={onValue} />;
  }
  const stored = value === MASKED;
  const isNumber = kind === 'number' || kind === 'integer';
  return (
    <TextField
      label={required ? title : `${title} (optional)`}
      hint={hint}
      name={`setting-${field.name}`}
      type={kind === 'secret' || stored ? 'password' : isNumber ? 'number' : 'text'}
      // A new password here is the camera's, never one that the browser knows.
      autocomplete={kind === 'secret' ? 'new-password' : 'off'}
      required={required}
      placeholder={stored ? 'Stored. Type to change it.' : field.fallback || field.example}
      min={field.minimum}
      max={field.maximum}
      maxLength={field.maxLength}
      step={kind === 'integer' ? 1 : 'any'}
      value={stored ? '' : value}
      onValue={onValue}
    />
  );
}
