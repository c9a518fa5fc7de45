// Sound in blocks of 20 ms, the interval that RFC 3551 (section 4.2) gives for G.711. Cameras send up to 200 ms in one block:
// browsers take that, other receivers count on 20 (aiortc 1.4 fails with any other length), and a lost packet is less to hear.
// What is left of a block goes out with the next one. Pure.

import type { AudioFrame } from '../core/frame.ts';
import { encodeAlaw } from '../media/g711.ts';
import { packetizeSamples } from '../media/rtp-packetizers.ts';
import { decodeSound } from '../media/sound-decoder.ts';
import type { TrackPlan } from '../rtsp-out/track-plan.ts';

const SAMPLES_PER_MS = 8;
/** Samples, and bytes, of one packet. */
const PACKET_SAMPLES = 20 * SAMPLES_PER_MS;
/** A block that begins this far from the end of the one before does not follow it. */
const SEAM_MS = 10;
const NOTHING = new Uint8Array(0);

/** A block of 20 ms and when it begins on the monotonic clock. */
export type CutBlock = { readonly frame: AudioFrame; readonly monoMs: number };

/** `plan` for the blocks of a {@link G711Cutter}: they are G.711 already. */
export function planG711(plan: TrackPlan): TrackPlan {
  const packets: TrackPlan['packets'] = ({ kind, data }) =>
    kind === 'audio' ? packetizeSamples(data, 1, false) : null;
  return { ...plan, packets };
}

const asG711 = new WeakMap<AudioFrame, Uint8Array>();

/** The block's bytes as they go out, made once for all sessions. */
function g711Of(frame: AudioFrame): Uint8Array {
  if (frame.codec === 'pcma' || frame.codec === 'pcmu') return frame.data;
  const known = asG711.get(frame) ?? encodeAlaw(decodeSound(frame) ?? new Int16Array(0));
  asG711.set(frame, known);
  return known;
}

/** See the head of this file. One per session; sound of 8 kHz and one channel only. */
export class G711Cutter {
  #held: Uint8Array = NOTHING;
  /** When the next block begins, if it follows. */
  #endMs = Number.NaN;

  /** @param startMs when the block begins on the monotonic clock */
  push(frame: AudioFrame, startMs: number): CutBlock[] {
    const follows = Math.abs(startMs - this.#endMs) < SEAM_MS;
    const held = follows ? this.#held : NOTHING;
    const bytes = held.length > 0 ? Buffer.concat([held, g711Of(frame)]) : g711Of(frame);
    const beginMs = startMs - held.length / SAMPLES_PER_MS;
    const blocks: CutBlock[] = [];
    let at = 0;
    for (; at + PACKET_SAMPLES <= bytes.length; at += PACKET_SAMPLES) {
      const data = bytes.subarray(at, at + PACKET_SAMPLES);
      blocks.push({ frame: { ...frame, data, samples: PACKET_SAMPLES }, monoMs: beginMs + at / SAMPLES_PER_MS });
    }
    this.#held = bytes.subarray(at);
    this.#endMs = beginMs + bytes.length / SAMPLES_PER_MS;
    return blocks;
  }
}
