// Text on a card: hostile names made harmless, long ones made to fit, and whether this machine has fonts at all.

import sharp from 'sharp';

const MAX_CHARACTERS = 60;
/** UTF-16 units looked at. */
const MAX_READ = 500;
/** Smallest type, as a part of the wanted size, before a text is cut. */
const MIN_SCALE = 0.6;
/** Mean width of a character in sizes of the type; generous, for wide scripts. */
const CHARACTER_WIDTH = 0.62;
const WIDE_CHARACTER_WIDTH = 1.05;
const FIRST_WIDE = 0x1100;

/** Escapes for SVG text and leaves out what XML forbids. */
export function escapeXml(text: string): string {
  return text.replace(/\p{C}|[\uFFFE\uFFFF]/gu, '').replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The text on one line within `width` pixels: smaller type first, then cut. Control characters and piles of marks are dropped. */
export function fitText(text: string, size: number, width: number): { text: string; size: number } {
  const clean = text
    .slice(0, MAX_READ)
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(/\p{C}/gu, '')
    .replace(/(\p{M}{2})\p{M}+/gu, '$1')
    .trim();
  const characters = [...clean];
  const bounded = characters.length > MAX_CHARACTERS ? [...characters.slice(0, MAX_CHARACTERS - 1), '…'] : characters;
  const natural = bounded.reduce((sum, character) => sum + characterWidth(character), 0) * size;
  if (natural <= width) return { text: bounded.join(''), size };
  const scale = Math.max(MIN_SCALE, width / natural);
  let room = width / (size * scale);
  let length = 0;
  while (length < bounded.length && room - characterWidth(bounded[length]!) >= 0)
    room -= characterWidth(bounded[length++]!);
  const fitted = length < bounded.length ? [...bounded.slice(0, Math.max(1, length - 1)), '…'] : bounded;
  return { text: fitted.join(''), size: size * scale };
}

function characterWidth(character: string): number {
  const wide = character.codePointAt(0)! >= FIRST_WIDE || 'MW@%'.includes(character);
  return wide ? WIDE_CHARACTER_WIDTH : CHARACTER_WIDTH;
}

let fonts: Promise<boolean> | null = null;

/** Whether text can be drawn: a bare machine has no fonts, and librsvg then draws nothing, silently. Asked once. */
export function hasFonts(): Promise<boolean> {
  fonts ??= probeFonts().catch(() => false);
  return fonts;
}

async function probeFonts(): Promise<boolean> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><rect width="32" height="32"/>' +
    '<text x="2" y="28" font-size="30" fill="#fff" font-family="sans-serif">M</text></svg>';
  const { channels } = await sharp(Buffer.from(svg)).stats();
  return (channels[0]?.max ?? 0) > 128;
}
