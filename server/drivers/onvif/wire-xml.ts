// XML of devices to a tree of plain elements. What XML allows and ONVIF does not need (DOCTYPE, entities of one's own,
// processing instructions) is refused before the parser sees it; size, depth and count are bounded. Names lose their
// prefix: devices bind prefixes as they like, and no two elements that are read differ in the prefix alone.

import { XMLParser } from 'fast-xml-parser';
import { NvrError } from '../../core/nvr-error.ts';
import { MAX_ANSWER_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_TAG_CHARS } from './limits.ts';

/** One element. `text` is its own text, without that of its children. */
export type XmlElement = {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
};

/** What the parser makes in its `preserveOrder` form. */
type Node = { readonly [tag: string]: unknown };

const ATTRIBUTES = ':@';
const TEXT = '#text';
const NAME = /^[\p{L}_][\p{L}\p{N}_.:-]{0,99}$/u;
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const parser = new XMLParser({
  ...{ preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: '', trimValues: true },
  ...{ processEntities: false, htmlEntities: false, parseTagValue: false, parseAttributeValue: false },
  ...{ ignoreDeclaration: true, ignorePiTags: true, allowBooleanAttributes: true },
});

const bad = (what: string) =>
  new NvrError('protocol', `The device’s answer cannot be read: ${what}`, { context: { reason: 'xml' } });

/**
 * Reads a document.
 * @returns its root element
 * @throws NvrError `protocol`
 */
export function parseXml(text: string): XmlElement {
  if (text.length > MAX_ANSWER_BYTES) throw bad('it is too long');
  const xml = text.replace(/^\ufeff/, '').trim();
  checkShape(xml);
  let nodes: unknown;
  try {
    nodes = parser.parse(xml);
  } catch (cause) {
    throw new NvrError('protocol', 'The device’s answer cannot be read: it is not XML', { cause });
  }
  const roots = elementsOf(nodes);
  const [root] = roots;
  if (!root || roots.length > 1) throw bad('it is not one document');
  return root;
}

/** One pass over the tags, in linear time: what is nested, how deep, how much, and nothing that is not needed. */
function checkShape(xml: string): void {
  const open: string[] = [];
  let count = 0;
  let at = xml.indexOf('<');
  if (at !== 0) throw bad('it is not XML');
  while (at >= 0) {
    if (xml.startsWith('<?', at)) {
      if (at !== 0) throw bad('a construct that is not allowed');
      at = after(xml, '?>', at);
    } else if (xml.startsWith('<!--', at)) at = after(xml, '-->', at + 4);
    else if (xml.startsWith('<![CDATA[', at)) at = after(xml, ']]>', at);
    else if (xml[at + 1] === '!') throw bad('a construct that is not allowed');
    else {
      const end = tagEnd(xml, at);
      const isClosing = xml[at + 1] === '/';
      const isEmpty = xml[end - 1] === '/';
      const name = tagName(xml, isClosing ? at + 2 : at + 1, isEmpty ? end - 1 : end);
      if (isClosing) {
        if (open.pop() !== name) throw bad('elements that do not match');
      } else {
        if (++count > MAX_ELEMENTS) throw bad('too many elements');
        if (!isEmpty && open.push(name) > MAX_DEPTH) throw bad('too deep');
      }
      at = end + 1;
    }
    at = xml.indexOf('<', at);
  }
  if (open.length > 0) throw bad('it ends in the middle');
}

function after(xml: string, mark: string, from: number): number {
  const found = xml.indexOf(mark, from);
  if (found < 0) throw bad('it ends in the middle');
  return found + mark.length;
}

/** Where the tag that begins at `at` ends; a `>` in quotes does not count. */
function tagEnd(xml: string, at: number): number {
  let quote = '';
  const limit = Math.min(xml.length, at + MAX_TAG_CHARS);
  for (let i = at + 1; i < limit; i++) {
    const letter = xml[i]!;
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '>') return i;
    else if (letter === '<') break;
  }
  throw bad('a tag that cannot be read');
}

function tagName(xml: string, from: number, to: number): string {
  let end = from;
  while (end < to && !/\s/.test(xml[end]!)) end++;
  const name = xml.slice(from, end);
  if (!NAME.test(name)) throw bad('a tag that cannot be read');
  return name;
}

/** Depth is bounded by the check before. */
function elementsOf(nodes: unknown): XmlElement[] {
  const elements: XmlElement[] = [];
  for (const node of Array.isArray(nodes) ? (nodes as Node[]) : []) {
    const name = Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT);
    if (name === undefined) continue;
    const inside = node[name];
    elements.push({
      name: localName(name),
      attributes: attributesOf(node[ATTRIBUTES]),
      children: elementsOf(inside),
      text: textOf(inside),
    });
  }
  return elements;
}

function attributesOf(given: unknown): ReadonlyMap<string, string> {
  const pairs = Object.entries((given ?? {}) as Record<string, unknown>);
  return new Map(pairs.map(([name, value]) => [localName(name), decodeEntities(String(value))]));
}

function textOf(nodes: unknown): string {
  const texts = (Array.isArray(nodes) ? (nodes as Node[]) : []).map((node) => node[TEXT]);
  return decodeEntities(texts.filter((text) => text !== undefined).join(''));
}

const localName = (name: string) => name.slice(name.lastIndexOf(':') + 1);

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex ?? '', 16);
    return code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '\ufffd' : String.fromCodePoint(code);
  });
}

/** The first descendant along the path. */
export function find(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let at = element;
  for (const name of path) at = at?.children.find((each) => each.name === name);
  return at;
}

/** All children of that name. */
export function all(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((each) => each.name === name) ?? [];
}

/** The text at the end of the path; empty when there is none. */
export function text(element: XmlElement | undefined, ...path: readonly string[]): string {
  return find(element, ...path)?.text.trim() ?? '';
}

/** Text for XML. */
export function escapeXml(raw: string): string {
  return raw
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
