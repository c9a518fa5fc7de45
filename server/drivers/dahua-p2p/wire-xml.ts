// The XML of the signalling, and nothing more of XML: one root `body` whose children are names with text. No DTD, no
// entities except the predefined and numeric ones, bounded in size, depth and count (section 3.3, step 5).

import { wireError } from './wire-error.ts';

const MAX_CHARS = 8192;
const MAX_DEPTH = 8;
const MAX_CHILDREN = 64;
const DECLARATION = /^<\?xml[^?<>]{0,200}\?>/;
const TAG = /<(\/?)([A-Za-z_][\w.-]{0,63})((?:\s[^<>]*?)?)(\/?)>/y;
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{1,5}));/gi;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Children of a body by name. A Map, so that no name is special. */
export type Body = ReadonlyMap<string, string>;

const bad = (what: string) => wireError('BAD_XML', `XML: ${what}`);

/**
 * Reads a body. Blank text is `null`; `<body></body>` is empty; of children with one name the first counts; deeper elements
 * stay as raw text of their parent.
 * @throws NvrError `protocol` BAD_XML
 */
export function parseBody(text: string): Body | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (trimmed.length > MAX_CHARS) throw bad('too long');
  const xml = trimmed.replace(DECLARATION, '').trim();
  if (xml.includes('<!') || xml.includes('<?')) throw bad('a construct that is not allowed');
  return readRoot(xml);
}

function readRoot(xml: string): Body {
  const children = new Map<string, string>();
  const open: string[] = [];
  let count = 0;
  let childFrom = 0;
  let at = 0;
  while (at < xml.length) {
    if (xml[at] !== '<') {
      const next = xml.indexOf('<', at);
      const end = next < 0 ? xml.length : next;
      if (open.length === 0) throw bad('text outside the root');
      at = end;
      continue;
    }
    TAG.lastIndex = at;
    const tag = TAG.exec(xml);
    if (!tag) throw bad('a tag that cannot be read');
    const [whole, slash, name = '', , selfClosing] = tag;
    const after = at + whole.length;
    if (slash) {
      if (open.pop() !== name) throw bad('elements that do not match');
      if (open.length === 1) keepFirst(children, name, xml.slice(childFrom, at));
      if (open.length === 0 && after < xml.length) throw bad('more than one root');
    } else {
      if (open.length === 0 && name !== 'body') throw bad('the root is not body');
      if (open.length >= MAX_DEPTH) throw bad('too deep');
      if (open.length === 1) {
        if (++count > MAX_CHILDREN) throw bad('too many elements');
        childFrom = after;
      }
      if (!selfClosing) open.push(name);
      else if (open.length === 1) keepFirst(children, name, '');
      else if (open.length === 0 && after < xml.length) throw bad('more than one root');
    }
    at = after;
  }
  if (open.length > 0) throw bad('an element that is not closed');
  return children;
}

function keepFirst(children: Map<string, string>, name: string, raw: string): void {
  if (!children.has(name)) children.set(name, raw.includes('<') ? raw : decodeEntities(raw));
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? refuse();
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex ?? '', 16);
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return refuse();
    return whole === '' ? '' : String.fromCodePoint(code);
  });
}

function refuse(): never {
  throw bad('an entity that is not allowed');
}

/** Fields to a body, in the order given; text is escaped. */
export function encodeBody(fields: ReadonlyArray<readonly [name: string, text: string]>): string {
  const inner = fields.map(([name, text]) => `<${name}>${escapeText(text)}</${name}>`).join('');
  return `<body>${inner}</body>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
