// Regular expressions as they stand in source text, and texts that make a backtracking matcher work: for the test that
// every one of ours is linear.

/** One literal. */
export type RegexLiteral = { readonly source: string; readonly flags: string; readonly line: number };

const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))$/;

/** All literals of a TypeScript file; strings, templates and comments are passed over (not what is inside `${}`). */
export function regexLiterals(text: string): RegexLiteral[] {
  const found: RegexLiteral[] = [];
  const templates: number[] = [];
  let [braces, before, line] = [0, '', 1];
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    if (char === '\n') line++;
    if (text.startsWith('//', at)) at = endOf(text, '\n', at);
    else if (text.startsWith('/*', at)) {
      const end = endOf(text, '*/', at + 2) + 2;
      line += text.slice(at, end).split('\n').length - 1;
      at = end;
    } else if (char === "'" || char === '"') {
      at = skipQuoted(text, at, char);
      before = 'x';
    } else if (char === '`' || (char === '}' && templates.at(-1) === braces)) {
      if (char === '}') templates.pop();
      let end = at + 1;
      while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) {
        if (text[end] === '\n') line++;
        end += text[end] === '\\' ? 2 : 1;
      }
      if (text[end] === '`') {
        at = end + 1;
        before = 'x';
      } else {
        templates.push(braces);
        at = end + 2;
        before = '(';
      }
    } else if (char === '/' && BEFORE_REGEX.test(before)) {
      const [, source, flags] =
        /^\/((?:\[(?:\\.|[^\]\\\n])*\]|\\.|[^/\\[\n])+)\/([a-z]*)/.exec(text.slice(at, at + 1000)) ?? [];
      if (source === undefined) throw new Error(`not a regular expression in line ${line}: ${text.slice(at, at + 40)}`);
      found.push({ source, flags: flags ?? '', line });
      at += source.length + (flags ?? '').length + 2;
      before = 'x';
    } else {
      if (char === '{') braces++;
      if (char === '}') braces--;
      if (!/\s/.test(char)) before = (/\w/.test(char) ? before.replace(/.*\W/s, '') : '') + char;
      at++;
    }
  }
  return found;
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}

function skipQuoted(text: string, from: number, quote: string): number {
  let at = from + 1;
  while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

type Node =
  | { readonly kind: 'set'; readonly chars: readonly string[] }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number };

/** What a set is tried against: printable ASCII, white space, a few beyond. */
const ALPHABET = [
  ...Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)),
  '\t',
  '\r',
  '\n',
  '\u0001',
  'é',
  '漢',
];

/** A pattern as a tree, as far as texts can be made from it. */
class PatternReader {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;

  constructor({ source, flags }: RegexLiteral) {
    this.#source = source;
    this.#flags = flags.replace(/[gyd]/g, '');
  }

  read(): Node {
    const parts: Node[] = [];
    do parts.push(this.#sequence());
    while (this.#take('|'));
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) parts.push(this.#repeated());
    return { kind: 'sequence', parts };
  }

  #repeated(): Node {
    const body = this.#atom();
    const [text, counts] = /^(?:[*+?]|\{(\d+(?:,\d*)?)\})\??/.exec(this.#source.slice(this.#at)) ?? [];
    if (text === undefined) return body;
    this.#at += text.length;
    const [low = '', high = low] = (counts ?? { '*': '0,', '+': '1,', '?': '0,1' }[text[0]!] ?? '').split(',');
    return { kind: 'repeat', body, min: Number(low), max: high === '' ? Number.POSITIVE_INFINITY : Number(high) };
  }

  #atom(): Node {
    if (this.#take('^') || this.#take('$') || this.#take('\\b') || this.#take('\\B')) return { kind: 'nothing' };
    if (this.#take('(')) {
      const isLook = /^\?<?[=!]/.exec(this.#source.slice(this.#at));
      const head = isLook ?? /^\?(?::|<[^>]+>)/.exec(this.#source.slice(this.#at));
      this.#at += head?.[0].length ?? 0;
      const inside = this.read();
      this.#take(')');
      return isLook ? { kind: 'nothing' } : inside;
    }
    const [text = ''] =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\u\{[^}]+\}|\\u....|\\x..|\\[pP]\{[^}]+\}|\\k<[^>]+>|\\.|.)/su.exec(
        this.#source.slice(this.#at),
      ) ?? [];
    this.#at += text.length;
    if (/^\\(?:[1-9]|k<)/.test(text)) return { kind: 'nothing' };
    const whole = new RegExp(`^(?:${text})$`, this.#flags);
    return { kind: 'set', chars: ALPHABET.filter((char) => whole.test(char)) };
  }
}

/** A text of a node; `pick` chooses among possibilities. */
function sample(node: Node, pick: (count: number) => number): string {
  if (node.kind === 'nothing') return '';
  if (node.kind === 'set') return node.chars[pick(node.chars.length)] ?? '';
  if (node.kind === 'sequence') return node.parts.map((part) => sample(part, pick)).join('');
  if (node.kind === 'choice') return sample(node.parts[pick(node.parts.length)]!, pick);
  const { body, min, max } = node;
  return Array.from({ length: Math.max(min, Math.min(1, max)) }, () => sample(body, pick)).join('');
}

/** Where something may repeat without end: a text that leads there, and texts that it takes. */
export type Pump = { readonly prefix: string; readonly pumps: readonly string[] };

const TRIES = 12;
const MANY = 20;

/** All places of a pattern at which a long text is taken, with what could keep it busy there. */
export function pumpsOf(literal: RegexLiteral): Pump[] {
  const found: Pump[] = [];
  const random = (seed: number) => {
    let state = seed * 2654435761 + 1;
    return (count: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * count);
    };
  };
  const own = [...new Set(literal.source.replace(/\\[a-z]/gi, ''))];
  const visit = (node: Node, prefix: string): string => {
    if (node.kind === 'sequence') {
      let text = prefix;
      for (const part of node.parts) text = visit(part, text);
      return text;
    }
    if (node.kind === 'choice') for (const part of node.parts) visit(part, prefix);
    if (node.kind === 'repeat') {
      visit(node.body, prefix);
      if (node.max > MANY) {
        const pumps = Array.from({ length: TRIES }, (_, n) => sample(node.body, n === 0 ? () => 0 : random(n)));
        const { body } = node;
        if (body.kind === 'set') pumps.push(...own.filter((char) => body.chars.includes(char)));
        found.push({ prefix, pumps: [...new Set(pumps)].filter((pump) => pump !== '') });
      }
    }
    return prefix + sample(node, () => 0);
  };
  visit(new PatternReader(literal).read(), '');
  return found;
}
