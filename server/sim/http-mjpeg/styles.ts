// How MJPEG servers in the wild put pictures into a response: heads and parts as bytes. Pure.

/** Ways of writing a stream. */
export type MjpegStyle =
  | 'standard'
  | 'noLength'
  | 'lf'
  | 'quoted'
  | 'dashesInHeader'
  | 'noDashes'
  | 'wrongBoundary'
  | 'hugeHeaders'
  | 'chunked'
  | 'plain'
  | 'icy'
  | 'noEndMarker'
  | 'padded'
  | 'wrongLength'
  | 'textParts'
  | 'gzip';

/** All styles but the one that is to be refused. */
export const READABLE_STYLES: readonly MjpegStyle[] = [
  ...(['standard', 'noLength', 'lf', 'quoted', 'dashesInHeader', 'noDashes', 'wrongBoundary', 'hugeHeaders'] as const),
  ...(['chunked', 'plain', 'icy', 'noEndMarker', 'padded', 'wrongLength', 'textParts'] as const),
];

/** Every style. */
export const MJPEG_STYLES: readonly MjpegStyle[] = [...READABLE_STYLES, 'gzip'];

const HUGE_HEADER_BYTES = 6000;
const CHUNK_BYTES = 1000;

/** The head of the response. */
export function responseHead(style: MjpegStyle): string {
  const types: Partial<Record<MjpegStyle, string>> = {
    quoted: 'multipart/x-mixed-replace; boundary="next part=one"',
    dashesInHeader: 'multipart/x-mixed-replace;boundary=--frame',
    plain: 'video/x-motion-jpeg',
  };
  const lines = [
    style === 'icy' ? 'ICY 200 OK' : 'HTTP/1.1 200 OK',
    `Content-Type: ${types[style] ?? 'multipart/x-mixed-replace; boundary=frame'}`,
    ...(style === 'chunked' ? ['Transfer-Encoding: chunked'] : []),
    ...(style === 'gzip' ? ['Content-Encoding: gzip'] : []),
    ...(style === 'hugeHeaders' ? [`X-Padding: ${'x'.repeat(HUGE_HEADER_BYTES)}`] : []),
    'Connection: close',
  ];
  const end = style === 'lf' ? '\n' : '\r\n';
  return lines.join(end) + end + end;
}

function delimiter(style: MjpegStyle): string {
  if (style === 'quoted') return '--next part=one';
  if (style === 'noDashes') return 'frame';
  return style === 'wrongBoundary' ? '--something-else' : '--frame';
}

/** One picture as it stands in the body; the chunk framing is included. */
export function part(style: MjpegStyle, jpeg: Uint8Array): Buffer {
  const end = style === 'lf' ? '\n' : '\r\n';
  const body = style === 'noEndMarker' ? jpeg.subarray(0, jpeg.length - 2) : jpeg;
  const padding = Buffer.alloc(style === 'padded' ? 16 : 0);
  const length = style === 'wrongLength' ? body.length + 5000 : body.length + padding.length;
  const text = [
    delimiter(style),
    ...(style === 'textParts' ? ['Content-Type: text/plain', 'Content-Length: 5', '', 'hello', delimiter(style)] : []),
    'Content-Type: image/jpeg',
    ...(style === 'hugeHeaders' ? [`X-Padding: ${'y'.repeat(HUGE_HEADER_BYTES)}`] : []),
    ...(style === 'noLength' || style === 'chunked' ? [] : [`Content-Length: ${length}`]),
    '',
    '',
  ];
  if (style === 'plain') return Buffer.from(jpeg);
  const bytes = Buffer.concat([Buffer.from(text.join(end)), body, padding, Buffer.from(end)]);
  return style === 'chunked' ? chunks(bytes) : bytes;
}

/** Chunks that keep to no border of the parts. */
function chunks(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const piece = bytes.subarray(at, at + CHUNK_BYTES);
    pieces.push(Buffer.from(`${piece.length.toString(16)};x=1\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat(pieces);
}
