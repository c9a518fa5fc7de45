// Reads the Authorization header. Pure; hostile bytes give `null`.

/** What a client put into its Authorization header. */
export type Credentials =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string };

/** Longest header read; a name and a password of the allowed lengths fit in many times over. */
const MAX_HEADER_LENGTH = 4096;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Parses Basic (RFC 7617, UTF-8) and Bearer (RFC 6750); anything else is `null`, as if nothing had been sent. */
export function parseAuthorization(header: string | undefined): Credentials | null {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return null;
  const match = /^(basic|bearer) +(\S+) *$/i.exec(header);
  if (!match) return null;
  const value = match[2]!;
  if (match[1]!.toLowerCase() === 'bearer') return { kind: 'bearer', token: value };
  if (!BASE64.test(value)) return null;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return null;
  return { kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) };
}
