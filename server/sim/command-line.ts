// Options of `npm run simulate`, as a table: parsed strictly, explained by `--help`. Pure.

import { parseArgs } from 'node:util';
import { NvrError } from '../core/nvr-error.ts';

/** One option. `default` is what `--help` shows; flags have none. */
export type OptionSpec =
  | { readonly type: 'text'; readonly default: string; readonly value: string; readonly help: string }
  | {
      readonly type: 'number' | 'integer';
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly help: string;
    }
  | { readonly type: 'flag'; readonly help: string };

/** Options by name, without the dashes, in the order of `--help`. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** What the user chose: text, number or yes/no, by the type in the table. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K]['type'] extends 'text' ? string : T[K]['type'] extends 'flag' ? boolean : number;
};

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;

/**
 * Reads the arguments after the driver's name.
 * @throws NvrError `bad_input` with one line that names the option, the value and what is allowed
 */
export function parseOptions<T extends OptionTable>(table: T, args: readonly string[]): OptionValues<T> {
  const names = Object.entries(table).map(([name, { type }]) => [
    name,
    { type: type === 'flag' ? ('boolean' as const) : ('string' as const) },
  ]);
  const given = readArguments(args, Object.fromEntries(names));
  const values = Object.entries(table).map(([name, spec]) => [name, chosenValue(name, spec, given[name])]);
  return Object.fromEntries(values) as OptionValues<T>;
}

function readArguments(
  args: readonly string[],
  options: Record<string, { type: 'boolean' | 'string' }>,
): Record<string, string | boolean | undefined> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values as never;
  } catch (cause) {
    // Node's first sentence names the option; what follows is advice on quoting.
    const [sentence = ''] = (cause as Error).message.split(/\. |\n/);
    throw new NvrError('bad_input', sentence.replace(/^Option '(-\S+)[^']*'/, '$1').replace(/\.$/, ''), { cause });
  }
}

function chosenValue(name: string, spec: OptionSpec, given: string | boolean | undefined): string | number | boolean {
  if (spec.type === 'flag') return given === true;
  if (given === undefined) return spec.default;
  const text = String(given);
  if (spec.type === 'text') return text;
  const value = Number(text);
  const isRight = NUMBER.test(text) && value >= spec.min && value <= spec.max;
  if (isRight && (spec.type === 'number' || Number.isInteger(value))) return value;
  const kind = spec.type === 'integer' ? 'a whole number' : 'a number';
  throw new NvrError('bad_input', `--${name} ${text}: it must be ${kind} from ${spec.min} to ${spec.max}`);
}

/** The lines that explain the options. */
export function explainOptions(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, spec]) => {
    if (spec.type === 'flag') return [`--${name}`, spec.help] as const;
    const value = spec.type === 'text' ? spec.value : 'N';
    return [`--${name} ${value}`, spec.default === '' ? spec.help : `${spec.help} (${spec.default})`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`).join('\n');
}
