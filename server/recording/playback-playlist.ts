// An HLS playlist (RFC 8216) of any span: H.264 and H.265 by byte ranges of the recorded files, MJPEG in pieces that are
// encoded when they are asked for. Each file has its own clock, so a discontinuity stands between two of them.

import { NvrError } from '../core/nvr-error.ts';
import { PIECE_MS, type PlaybackFile, type PlaybackSource } from './playback-source.ts';

/** Longest span of one playlist. */
export const MAX_PLAYLIST_MS = 24 * 3_600_000;
/** Files of one playlist: a day of ten-second segments. */
const MAX_FILES = 10_000;
/** Files looked at together. */
const AT_ONCE = 8;
/** A piece to encode holds at least so many pictures of a slow camera. */
const MIN_PIECE_FRAMES = 8;

/** One entry of the list. */
type Piece = {
  readonly uri: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly range: string | null;
};
type Part = { readonly file: PlaybackFile; readonly init: string; readonly pieces: readonly Piece[] };

/** When the pieces of a file that is encoded begin, and where the last one ends (`null`: with the file). */
export function choosePieces({ startAt, endAt, frames }: Pick<PlaybackFile, 'startAt' | 'endAt' | 'frames'>): number[] {
  const lengthMs = endAt - startAt;
  const pieceMs = Math.max(PIECE_MS, Math.ceil((MIN_PIECE_FRAMES * lengthMs) / Math.max(1, frames) / 1000) * 1000);
  // What is left at the end belongs to the last whole piece.
  const count = Math.max(1, Math.floor(lengthMs / pieceMs));
  return Array.from({ length: count }, (_, n) => n * pieceMs);
}

/**
 * Writes the playlist of `[from, to)`, to the nearest piece.
 * @param suffix added to every URI: the caller's token
 * @throws NvrError `not_found` when nothing is recorded there, `bad_input` for too much
 */
export async function writePlaylist(
  source: PlaybackSource,
  camera: string,
  span: { readonly from: number; readonly to: number },
  suffix: string,
): Promise<string> {
  const { from, to } = span;
  const files = source.find(camera, from, to, MAX_FILES);
  const parts: Part[] = [];
  for (let n = 0; n < files.length; n += AT_ONCE) {
    const read = files.slice(n, n + AT_ONCE).map((file) => {
      return file.format === 'mp4' ? copiedPart(source, file, suffix) : Promise.resolve(encodedPart(file, suffix));
    });
    for (const part of await Promise.all(read)) {
      const pieces =
        part?.pieces.filter(({ startMs, durationMs }) => startMs < to && startMs + durationMs > from) ?? [];
      if (part && pieces.length > 0) parts.push({ ...part, pieces });
    }
  }
  if (parts.length === 0) throw new NvrError('not_found', 'Nothing is recorded in this span');
  return listText(parts);
}

function listText(parts: readonly Part[]): string {
  const longest = Math.max(...parts.flatMap(({ pieces }) => pieces.map(({ durationMs }) => durationMs)));
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${Math.ceil(longest / 1000)}`];
  lines.push('#EXT-X-PLAYLIST-TYPE:VOD', '#EXT-X-INDEPENDENT-SEGMENTS');
  for (const [n, { init, pieces }] of parts.entries()) {
    if (n > 0) lines.push('#EXT-X-DISCONTINUITY');
    lines.push(`#EXT-X-MAP:${init}`);
    for (const [m, { uri, startMs, durationMs, range }] of pieces.entries()) {
      if (m === 0) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(startMs).toISOString()}`);
      lines.push(`#EXTINF:${(durationMs / 1000).toFixed(3)},`);
      if (range) lines.push(`#EXT-X-BYTERANGE:${range}`);
      lines.push(uri);
    }
  }
  lines.push('#EXT-X-ENDLIST', '');
  return lines.join('\n');
}

async function copiedPart(source: PlaybackSource, file: PlaybackFile, suffix: string): Promise<Part | null> {
  const index = await source.fragments(file);
  if (!index) return null;
  const uri = `playback/${file.startAt}.mp4${suffix}`;
  const [first] = index.pieces;
  const lengthMs = file.endAt - file.startAt;
  // What a step of the clock cut off is in the file still, and not on the timeline.
  const listed = index.pieces.filter(({ timeMs }, n) => n === 0 || timeMs - index.pieces[0]!.timeMs < lengthMs);
  const pieces = listed.map(({ offset, timeMs }, n) => {
    const next = index.pieces[n + 1];
    const startMs = file.startAt + timeMs - first!.timeMs;
    const nextMs = next ? file.startAt + next.timeMs - first!.timeMs : file.endAt;
    const endMs = Math.max(startMs + 1, Math.min(nextMs, file.endAt));
    return {
      uri,
      startMs,
      durationMs: endMs - startMs,
      range: `${(next?.offset ?? index.endOffset) - offset}@${offset}`,
    };
  });
  return { file, pieces, init: `URI="${uri}",BYTERANGE="${index.initBytes}@0"` };
}

function encodedPart(file: PlaybackFile, suffix: string): Part {
  const folder = `playback/${file.startAt}`;
  const starts = choosePieces(file);
  const pieces = starts.map((offsetMs, n) => {
    const endMs = starts[n + 1] ?? file.endAt - file.startAt;
    const end = starts[n + 1] ?? (file.endReason === 'clockStep' ? file.endAt - file.startAt : 'end');
    const uri = `${folder}/${offsetMs}-${end}.m4s${suffix}`;
    return { uri, startMs: file.startAt + offsetMs, durationMs: Math.max(1, endMs - offsetMs), range: null };
  });
  return { file, pieces, init: `URI="${folder}/init.mp4${suffix}"` };
}
