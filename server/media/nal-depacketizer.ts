// The common part of H.264 and H.265 over RTP: fragments to units, units to access units, parameter sets kept aside.
// A picture ends at the marker bit, or where the timestamp changes (firmware that forgets the marker).

import type { VideoCodec } from '../core/frame.ts';
import { joinUnits, MAX_ACCESS_UNIT_BYTES, MAX_NAL_UNITS, sameBytes, splitStartCodes } from './nal.ts';
import type { RtpPacket } from './rtp.ts';
import type { Depacketizer, RtpOutput } from './rtp-depacketizer.ts';

/** Parameter sets of one kind that are kept; the standards allow more, cameras use one. */
const MAX_SETS = 16;
const MAX_SET_BYTES = 4096;

/** What a unit is to the access unit. `keyMark` is no slice, but says that decoding can begin here. */
export type UnitRole = 'slice' | 'key' | 'keyMark' | 'set' | 'keep' | 'leaveOut';

/** Configuration that follows from the parameter sets. */
export type CodecSetUp = { readonly width: number; readonly height: number; readonly codecConfig: Uint8Array };

/** What differs between the two codecs. */
export type NalCodec = {
  readonly codec: VideoCodec;
  roleOf(nal: Uint8Array): UnitRole;
  /** A name for the set that is the same for the set that replaces it; `null` when it is damaged. */
  setKey(nal: Uint8Array): string | null;
  /** `null` while sets are missing. */
  setUp(sets: ReadonlyMap<string, Uint8Array>): CodecSetUp | null;
  /** Takes a packet's payload apart with the calls of `NalUnits`. */
  unpack(payload: Uint8Array, units: NalUnits): void;
};

/** What `unpack` may say about a payload. */
export type NalUnits = {
  whole(nal: Uint8Array): void;
  /** The first piece of a fragmented unit, with the header that the unit has. */
  begin(header: readonly number[], piece: Uint8Array): void;
  /** @param isKey the piece belongs to a key slice: known also when its beginning was lost */
  more(piece: Uint8Array, isKey: boolean): void;
  end(): void;
  unreadable(reason: 'damaged' | 'unsupported'): void;
};

/** See the head of this file. */
export class NalDepacketizer implements Depacketizer, NalUnits {
  readonly #codec: NalCodec;
  readonly #output: RtpOutput;
  readonly #sets = new Map<string, Uint8Array>();
  #setUp: CodecSetUp | null = null;
  #setsChanged = false;
  /**
   * Sets with a new number since the configuration was made: the next picture may need them, key or not. One that replaces
   * another may as well be that of the next key picture, sent early.
   */
  #newSets = new Map<string, Uint8Array>();
  #units: Uint8Array[] = [];
  #fragments: Uint8Array[] | null = null;
  #bytes = 0;
  #timestamp = -1;
  #hasSlice = false;
  #isKey = false;
  #isDamaged = false;
  #needsKey = true;

  /** @param sets parameter sets from the session description */
  constructor(codec: NalCodec, output: RtpOutput, sets: readonly Uint8Array[] = []) {
    this.#codec = codec;
    this.#output = output;
    for (const nal of sets.slice(0, MAX_SETS * 3)) this.#keepSet(nal);
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  push(packet: RtpPacket, lost: number): void {
    if (packet.timestamp !== this.#timestamp) {
      // A loss at the border belongs to the picture before it, which had no end, and may belong to the one after it.
      if (this.#hasSlice || this.#isDamaged) this.#finish(lost > 0);
      this.#reset();
      this.#timestamp = packet.timestamp;
    }
    if (lost > 0) this.#damage();
    if (packet.payload.length > 0) this.#codec.unpack(packet.payload, this);
    if (packet.marker) {
      this.#finish(false);
      this.#reset();
    }
  }

  whole(nal: Uint8Array): void {
    for (const unit of splitStartCodes(nal)) this.#add(unit);
  }

  begin(header: readonly number[], piece: Uint8Array): void {
    if (this.#fragments) this.#damage();
    this.#fragments = [Uint8Array.from(header)];
    this.#bytes += header.length;
    this.more(piece, false);
  }

  more(piece: Uint8Array, isKey: boolean): void {
    if (isKey) this.#isKey = true;
    // The first piece was lost: the picture is damaged, which a gap in the numbers told already, or lying bits do.
    if (!this.#fragments) this.#damage();
    else if (this.#hold(piece.length)) this.#fragments.push(piece.slice());
  }

  end(): void {
    const fragments = this.#fragments;
    this.#fragments = null;
    if (!fragments || this.#isDamaged) return;
    const unit = Buffer.concat(fragments);
    this.#bytes -= unit.length;
    this.whole(unit);
  }

  unreadable(reason: 'damaged' | 'unsupported'): void {
    if (reason === 'unsupported') this.#output.drop(reason);
    else this.#damage();
  }

  #add(nal: Uint8Array): void {
    if (nal.length === 0) return;
    const role = this.#codec.roleOf(nal);
    if (role === 'leaveOut') return;
    if (role === 'set') {
      this.#keepSet(nal);
      return;
    }
    if (role === 'slice' || role === 'key') this.#hasSlice = true;
    if (role === 'key' || role === 'keyMark') this.#isKey = true;
    if (this.#isDamaged) return;
    if (this.#units.length >= MAX_NAL_UNITS) this.#damage();
    // A view would keep the received chunk alive, and its memory may be reused before the picture is whole.
    else if (this.#hold(nal.length)) this.#units.push(nal.slice());
  }

  #hold(bytes: number): boolean {
    if (this.#isDamaged) return false;
    this.#bytes += bytes;
    if (this.#bytes <= MAX_ACCESS_UNIT_BYTES) return true;
    this.#output.drop('oversize');
    this.#damage();
    return false;
  }

  #damage(): void {
    this.#isDamaged = true;
    this.#fragments = null;
    this.#units = [];
    this.#bytes = 0;
  }

  #reset(): void {
    this.#units = [];
    this.#fragments = null;
    this.#bytes = 0;
    this.#hasSlice = false;
    this.#isKey = false;
    this.#isDamaged = false;
  }

  #keepSet(nal: Uint8Array): void {
    if (nal.length > MAX_SET_BYTES) return;
    const key = this.#codec.setKey(nal);
    if (key === null) return;
    const before = this.#sets.get(key);
    if (before && sameBytes(before, nal)) return;
    if (!before && this.#sets.size >= MAX_SETS * 3) return;
    const set = nal.slice();
    this.#sets.set(key, set);
    if (!before) this.#newSets.set(key, set);
    this.#setsChanged = true;
  }

  #finish(lostBehind: boolean): void {
    if (this.#fragments) this.#damage();
    if (this.#isDamaged || lostBehind) {
      // Without its key picture the rest of a group shows garbage; after another loss the picture mends by itself.
      if (this.#isKey) this.#needsKey = true;
      this.#output.drop('damaged');
      return;
    }
    if (!this.#hasSlice) return;
    // The configuration is new from a key picture on: what is on the way still needs the old one.
    if (this.#setsChanged && (this.#isKey || !this.#setUp)) {
      this.#setUp = this.#codec.setUp(this.#sets) ?? this.#setUp;
      this.#setsChanged = false;
      this.#newSets.clear();
    }
    if (!this.#setUp || (this.#needsKey && !this.#isKey)) {
      this.#output.drop('beforeKey');
      return;
    }
    this.#needsKey = false;
    // Sets may come in the middle of a group (H.264, 7.4.1.2.1): then they are in the picture, else it cannot be decoded.
    const units = [...this.#newSets.values(), ...this.#units];
    this.#newSets.clear();
    this.#output.frame({
      ...{ kind: 'video', codec: this.#codec.codec, key: this.#isKey, data: joinUnits(units) },
      ...{ ...this.#setUp, timestamp: this.#timestamp },
    });
  }
}
