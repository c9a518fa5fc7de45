// Identifiers and slugs. An id contains an underscore, so it can never be a valid slug.

import { randomBytes } from 'node:crypto';

/** Longest slug; it becomes a folder name. */
export const MAX_SLUG_LENGTH = 60;

const ID_BYTES = 9;

/** A new id such as `cam_Yx3...`: 72 random bits, URL-safe. */
export function newId(prefix: 'cam' | 'seg' | 'usr' | 'tok' | 'ses' | 'exp' | 'evt'): string {
  return `${prefix}_${randomBytes(ID_BYTES).toString('base64url')}`;
}

/** Whether the text may be a slug: `[a-z0-9-]+`, bounded. */
export function isSlug(text: string): boolean {
  return text.length <= MAX_SLUG_LENGTH && /^[a-z0-9-]+$/.test(text);
}

/** A slug made from a name: accents dropped, everything else to dashes; `camera` when nothing is left. */
export function slugFromName(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/-+$/, '');
  return slug === '' ? 'camera' : slug;
}

/** The first of `slug`, `slug-2`, `slug-3`... that is not taken. */
export function freeSlug(slug: string, taken: (slug: string) => boolean): string {
  if (!taken(slug)) return slug;
  for (let n = 2; ; n++) {
    const candidate = `${slug.slice(0, MAX_SLUG_LENGTH - String(n).length - 1)}-${n}`;
    if (!taken(candidate)) return candidate;
  }
}
