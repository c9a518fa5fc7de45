// What is shown instead of a picture: the camera's name, its state, the last picture dimmed, "no signal since 14:02".
// An old picture must never look live.

import sharp from 'sharp';
import type { CameraStatus } from '../core/camera-status.ts';
import { escapeXml, fitText, hasFonts } from './card-text.ts';
import { plainCard } from './plain-card.ts';
import { MAX_PIXELS } from './resize.ts';

/** Everything that can be read on a card. Texts are hostile: bounded and escaped here. */
export type CardFacts = {
  readonly name: string;
  readonly state: string;
  /** "no signal since 14:02", or empty. */
  readonly since: string;
  /** The last picture, to be dimmed; `null` when there never was one. */
  readonly picture: Uint8Array | null;
  /** Width in pixels; `null` for the picture's own. */
  readonly width: number | null;
};

const DEFAULT_WIDTH = 640;
const MAX_WIDTH = 1280;
const MIN_WIDTH = 160;
const ASPECT = 16 / 9;
const PAINT_SECONDS = 3;
const QUALITY = 75;
const DAY_MS = 24 * 3600 * 1000;

/** The state in words. Two states that only alternate while Perch dials share words, so that a card is painted once. */
export function stateText({
  state,
  coolDownReason,
  error,
}: Pick<CameraStatus, 'state' | 'coolDownReason' | 'error'>): string {
  switch (state) {
    case 'disabled':
      return 'switched off';
    case 'refused':
      return error?.code === 'refused' ? 'the camera refused the sign-in' : 'needs attention';
    case 'coolingDown':
      return coolDownReason === 'released' ? 'released for the app' : 'reconnecting';
    case 'live':
      return 'no picture';
    default:
      return error ? 'reconnecting' : 'connecting';
  }
}

/** "no signal since 14:02" in the server's time zone, with the date when that is not within a day; empty without a time. */
export function sinceText(lastFrameAt: number | null, nowMs: number): string {
  if (lastFrameAt === null) return '';
  const date = new Date(lastFrameAt);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (nowMs - lastFrameAt < DAY_MS) return `no signal since ${time}`;
  return `no signal since ${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** Paints a card as JPEG. Never rejects: what cannot be painted becomes the plain card. */
export async function paintCard(facts: CardFacts): Promise<Uint8Array> {
  try {
    return await paint(facts, facts.picture);
  } catch {
    if (facts.picture === null) return plainCard;
  }
  return paint(facts, null).catch(() => plainCard);
}

async function paint(facts: CardFacts, picture: Uint8Array | null): Promise<Uint8Array> {
  const { base, width, height } = await background(picture, facts.width);
  const overlay = Buffer.from(drawing(facts, width, height, await hasFonts()));
  return base
    .composite([{ input: overlay, top: 0, left: 0 }])
    .jpeg({ quality: QUALITY })
    .timeout({ seconds: PAINT_SECONDS })
    .toBuffer();
}

async function background(picture: Uint8Array | null, wanted: number | null) {
  if (picture === null) {
    const width = clampWidth(wanted ?? DEFAULT_WIDTH);
    const height = Math.round(width / ASPECT);
    return { base: sharp({ create: { width, height, channels: 3, background: '#15191d' } }), width, height };
  }
  const read = () => sharp(picture, { failOn: 'none', limitInputPixels: MAX_PIXELS });
  const size = await read().metadata();
  const width = clampWidth(Math.min(wanted ?? size.width, size.width));
  const height = Math.max(1, Math.round((width * size.height) / size.width));
  const { data, info } = await read()
    .resize({ width, height, fit: 'fill' })
    .flatten()
    .toColourspace('srgb')
    .modulate({ saturation: 0.25 })
    .linear(0.38, 0)
    .raw()
    .timeout({ seconds: PAINT_SECONDS })
    .toBuffer({ resolveWithObject: true });
  return { base: sharp(data, { raw: info }), width, height };
}

function clampWidth(width: number): number {
  return Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, width));
}

/** The writing over the background. Without fonts only the crossed-out camera is drawn. */
function drawing(facts: CardFacts, width: number, height: number, fonts: boolean): string {
  const unit = Math.min(width / 16, height / 9);
  const [x, y] = [width / 2, height / 2];
  const lines = [
    { text: facts.name, size: unit * 1.1, y: y + unit * 0.9, fill: '#f4f6f8', weight: 'bold' },
    { text: facts.state, size: unit * 0.7, y: y + unit * 2.1, fill: '#c8d0d8', weight: 'normal' },
    { text: facts.since, size: unit * 0.7, y: y + unit * 3.1, fill: '#ffb86b', weight: 'normal' },
  ];
  const writing = lines
    .map((line) => ({ ...line, ...fitText(line.text, line.size, width * 0.92) }))
    .filter((line) => fonts && line.text !== '')
    .map(
      (line) =>
        `<text x="${x}" y="${line.y}" font-size="${line.size}" font-weight="${line.weight}" fill="${line.fill}" ` +
        `text-anchor="middle" font-family="DejaVu Sans, Liberation Sans, sans-serif">${escapeXml(line.text)}</text>`,
    );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<g transform="translate(${x} ${y - unit * 1.8}) scale(${unit / 40})" fill="none" stroke="#9aa5b0" stroke-width="6" ` +
    'stroke-linecap="round"><rect x="-50" y="-25" width="70" height="50" rx="8"/><path d="M24 -6 L50 -20 V20 L24 6"/>' +
    `<path d="M-60 40 L60 -40" stroke="#ffb86b"/></g>${writing.join('')}</svg>`
  );
}
