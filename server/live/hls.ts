// HLS (RFC 8216) out of a camera's fragments: a playlist of the closed segments, each fragmented MP4. Pure.

import type { Segment } from './fragmenter.ts';

/** The media type of a playlist. */
export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const VERSION = 7;

/**
 * @param segments closed ones, oldest first, at least one
 * @param query `?token=...` for every URI, or nothing
 */
export function encodePlaylist(segments: readonly Segment[], discontinuities: number, query: string): string {
  const longest = Math.max(1, ...segments.map(({ seconds }) => Math.ceil(seconds)));
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    `#EXT-X-TARGETDURATION:${longest}`,
    `#EXT-X-MEDIA-SEQUENCE:${segments[0]?.number ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuities}`,
    // The first segment may have been closed between two key pictures.
    ...(segments.every(({ fragments }) => fragments[0]?.key) ? ['#EXT-X-INDEPENDENT-SEGMENTS'] : []),
  ];
  let init = 0;
  for (const segment of segments) {
    if (segment.discontinuity) lines.push('#EXT-X-DISCONTINUITY');
    if (segment.init.number !== init) lines.push(`#EXT-X-MAP:URI="init-${segment.init.number}.mp4${query}"`);
    init = segment.init.number;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.at).toISOString()}`);
    lines.push(`#EXTINF:${segment.seconds.toFixed(5)},`, `segment-${segment.number}.m4s${query}`);
  }
  return `${lines.join('\n')}\n`;
}
