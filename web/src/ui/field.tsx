// Form fields: a label above, a hint below, one look for all.

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

type FieldProps = {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly children: (id: string, hintId: string | undefined) => ComponentChildren;
};

/** Label, control and hint, tied together. */
export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, hintId)}
      {hint && (
        <p class="hint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  );
}

type TextProps = {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string | undefined;
  readonly type?: 'text' | 'password' | 'number' | 'date';
  readonly required?: boolean;
  readonly placeholder?: string | undefined;
  readonly autocomplete?: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly step?: number | 'any';
  readonly name?: string;
};

export function TextField(props: TextProps) {
  const { label, hint, value, onValue, type = 'text', required = false, autocomplete = 'off' } = props;
  return (
    <Field label={label} hint={hint}>
      {(id, hintId) => (
        <input
          id={id}
          name={props.name}
          {...({ type } as { type: 'text' })}
          value={value}
          required={required}
          placeholder={props.placeholder}
          autocomplete={autocomplete}
          min={props.min}
          max={props.max}
          minLength={props.minLength}
          maxLength={props.maxLength}
          step={props.step}
          inputMode={type === 'number' ? 'numeric' : undefined}
          autocapitalize="none"
          spellcheck={false}
          aria-describedby={hintId}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

type SelectProps<T extends string> = {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onValue: (value: T) => void;
  readonly hint?: string | undefined;
};

export function SelectField<T extends string>({ label, value, options, onValue, hint }: SelectProps<T>) {
  return (
    <Field label={label} hint={hint}>
      {(id, hintId) => (
        <select
          id={id}
          value={value}
          aria-describedby={hintId}
          onChange={(event) => onValue(event.currentTarget.value as T)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

type CheckProps = {
  readonly label: string;
  readonly checked: boolean;
  readonly onChecked: (checked: boolean) => void;
  readonly hint?: string | undefined;
};

export function CheckField({ label, checked, onChecked, hint }: CheckProps) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChecked(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

type ChoiceProps<T extends string> = {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string; readonly hint?: string }[];
  readonly onValue: (value: T) => void;
};

/** A few choices side by side, as radio buttons. */
export function ChoiceField<T extends string>({ label, value, options, onValue }: ChoiceProps<T>) {
  const name = useId();
  const chosen = options.find((option) => option.value === value);
  return (
    <fieldset class="field choice">
      <legend>{label}</legend>
      <div class="choices">
        {options.map((option) => (
          <label key={option.value} class={option.value === value ? 'chosen' : ''}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onValue(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      {chosen?.hint && <p class="hint">{chosen.hint}</p>}
    </fieldset>
  );
}
