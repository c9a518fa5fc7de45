// From a driver's JSON Schema to form fields, and from what was typed to settings. Pure.

import type { DriverSettings, SettingSchema } from '../api-types.ts';

/** What the server sends instead of a stored secret; sending it back keeps the secret. */
export const MASKED = '********';

type FieldKind = 'text' | 'secret' | 'number' | 'integer' | 'switch' | 'choice';

/** One setting as the form shows it. */
export type SettingField = {
  readonly name: string;
  readonly kind: FieldKind;
  readonly title: string;
  readonly hint: string | undefined;
  readonly required: boolean;
  /** Shown behind "More settings". */
  readonly advanced: boolean;
  readonly fallback: string;
  readonly example: string | undefined;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly maxLength: number | undefined;
};

/** What the user typed, by setting; switches are `true` and `false` as text. */
export type FieldValues = Readonly<Record<string, string>>;

function titleOf(name: string, schema: SettingSchema): string {
  if (schema.title) return schema.title;
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function choicesOf(schema: SettingSchema): SettingField['choices'] {
  const fromUnion = (schema.anyOf ?? [])
    .filter((option) => option.const !== undefined)
    .map((option) => ({ value: String(option.const), label: option.title ?? String(option.const) }));
  if (fromUnion.length > 0) return fromUnion;
  return (schema.enum ?? []).map((value) => ({ value: String(value), label: String(value) }));
}

function kindOf(schema: SettingSchema): FieldKind | null {
  if (choicesOf(schema).length > 0) return 'choice';
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.find((name) => name !== 'null');
  if (type === 'boolean') return 'switch';
  if (type === 'integer' || type === 'number') return type;
  if (type === 'string') return schema.format === 'password' || schema.writeOnly === true ? 'secret' : 'text';
  return null;
}

/** The fields of a driver's schema, in its order. Settings of kinds that a form cannot show are left out. */
export function fieldsOf(schema: SettingSchema): SettingField[] {
  const fields: SettingField[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const kind = kindOf(property);
    if (!kind) continue;
    fields.push({
      name,
      kind,
      title: titleOf(name, property),
      hint: property.description,
      required: (schema.required ?? []).includes(name) && property.default === undefined,
      advanced: property.advanced === true,
      fallback: property.default === undefined ? '' : String(property.default),
      example: property.examples?.[0] === undefined ? undefined : String(property.examples[0]),
      choices: choicesOf(property),
      minimum: property.minimum,
      maximum: property.maximum,
      maxLength: property.maxLength,
    });
  }
  return fields;
}

/** A server's `field: problem` with the field's title instead of its name. */
export function problemText(fields: readonly SettingField[], message: string): string {
  const match = /^(?:settings[./])?(\w+): (.+)$/s.exec(message);
  const field = match && fields.find(({ name }) => name === match[1]);
  return field ? `${field.title}: ${match[2]}` : message;
}

/** What the form begins with: the stored settings, else the defaults of choices and switches. */
export function valuesFrom(fields: readonly SettingField[], settings: DriverSettings): FieldValues {
  return Object.fromEntries(
    fields.map(({ name, kind, fallback, choices }) => {
      const stored = settings[name];
      if (stored !== undefined && stored !== null) return [name, String(stored)];
      if (kind === 'choice') return [name, fallback || (choices[0]?.value ?? '')];
      return [name, kind === 'switch' ? fallback || 'false' : ''];
    }),
  );
}

/** The settings to send: empty fields are left out, so that the driver's defaults hold. */
export function settingsFrom(
  fields: readonly SettingField[],
  values: FieldValues,
  others: DriverSettings = {},
): DriverSettings {
  const settings: Record<string, unknown> = { ...others };
  for (const { name, kind } of fields) {
    const text = kind === 'secret' ? (values[name] ?? '') : (values[name] ?? '').trim();
    delete settings[name];
    if (text === '') continue;
    if (kind === 'switch') settings[name] = text === 'true';
    else if (kind === 'integer' || kind === 'number') settings[name] = Number(text);
    else settings[name] = text;
  }
  return settings;
}

/** A JSON merge patch from the stored settings to the new ones: what was emptied becomes `null`. */
export function settingsPatch(stored: DriverSettings, wanted: DriverSettings): DriverSettings {
  const patch: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (JSON.stringify(stored[name]) !== JSON.stringify(value)) patch[name] = value;
  }
  for (const name of Object.keys(stored)) if (!(name in wanted)) patch[name] = null;
  return patch;
}
