// Media packets -> whole pictures and sound blocks, in order. Pure: time comes in, frames go out through a sink.
// Source: protocols/iwfcam.md sections 11.1-11.4 and 18. A picture is whole as soon as its last fragment is there.

import type { Tally } from '../../core/tally.ts';
import { jpegSize, startsLikeJpeg, trimJpeg } from '../../media/jpeg.ts';
import { limits } from './dialect.ts';
import { PictureSlot } from './picture-slot.ts';
import { MAX_FRAGMENTS, MAX_PAYLOAD_BYTES, type MediaPacket, mediaKind } from './wire.ts';

/** A whole JPEG. */
export type Picture = {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Device clock, unwrapped; `null` when the firmware sends no frame head. */
  readonly mediaMs: number | null;
};
/** One ADPCM block. */
export type Sound = { readonly data: Uint8Array; readonly mediaMs: number };

/** Where the assembler puts what it made. */
export type AssemblerSink = {
  picture(picture: Picture): void;
  sound(sound: Sound): void;
  /** The device may forget this frame: it is whole, given up, or was whole before. */
  finished(frameIndex: number, isWhole: boolean): void;
};

/** What happened to packets and frames; those that begin with `picture` are lost pictures. */
export type AssemblerCount =
  | 'pictureIncomplete'
  | 'pictureBadLength'
  | 'pictureBadJpeg'
  | 'pictureHeadConflict'
  | 'pictureTooBig'
  | 'pictureTooManyPixels'
  | 'pictureLate'
  | 'packetLate'
  | 'packetDuplicate'
  | 'packetBeyondCount'
  | 'packetTooBig'
  | 'headIgnored'
  | 'soundLate';

const WHOLE = 0x10000;

/** Serial arithmetic on the 16-bit counter: whether `a` comes after `b`. */
export function isNewer(a: number, b: number): boolean {
  const distance = (a - b) & 0xffff;
  return distance > 0 && distance < 0x8000;
}

/** Puts the media of one session together. Bounded whatever arrives. */
export class Assembler {
  readonly #sink: AssemblerSink;
  readonly #tally: Pick<Tally<AssemblerCount>, 'add'>;
  readonly #slots: PictureSlot[] = Array.from({ length: limits.openFrames }, () => new PictureSlot());
  /** The slot opened last: nearly every packet belongs to it. */
  #latest: PictureSlot = this.#slots[0]!;
  #order = 0;
  /** Ring of frames that are over: the index, plus {@link WHOLE} when it was yielded. */
  readonly #finished = new Int32Array(limits.finishedFrames).fill(-1);
  #finishedAt = 0;
  #lastPicture = -1;
  #lastPictureMs = 0;
  #lastSound = -1;
  #lastSoundMs = 0;
  #deviceMs: number | null = null;
  #deviceClock = 0;
  #lost = 0;
  #badInARow = 0;
  #annexB = false;

  constructor(sink: AssemblerSink, tally: Pick<Tally<AssemblerCount>, 'add'>) {
    this.#sink = sink;
    this.#tally = tally;
  }

  /** Pictures that arrived at least in part and were not yielded. */
  get lostPictures(): number {
    return this.#lost;
  }

  /** Whole pictures in a row that were no JPEG, and whether they look like H.264. */
  get codecTrouble(): { readonly pictures: number; readonly looksLikeH264: boolean } {
    return { pictures: this.#badInARow, looksLikeH264: this.#annexB };
  }

  /** Pictures being put together, and the bytes that they hold: for tests of the bounds. */
  get held(): { readonly pictures: number; readonly bytes: number } {
    const open = this.#slots.filter((slot) => slot.inUse);
    return { pictures: open.length, bytes: open.reduce((sum, slot) => sum + slot.keptBytes, 0) };
  }

  /** One media packet that belongs to this session. `datagram` is kept until its picture is whole or given up. */
  push(packet: MediaPacket, datagram: Uint8Array, nowMs: number): void {
    if (packet.mediaKind === mediaKind.audio) this.#pushSound(packet, datagram, nowMs);
    else this.#pushFragment(packet, datagram, nowMs);
  }

  /** Gives up pictures that stopped growing. Call several times a second. */
  expire(nowMs: number): void {
    for (const slot of this.#slots) {
      if (slot.inUse && nowMs - slot.lastFragmentMs >= limits.abandonMs) this.#abandon(slot, 'pictureIncomplete');
    }
  }

  #pushSound(packet: MediaPacket, datagram: Uint8Array, nowMs: number): void {
    const index = packet.frameIndex;
    if (this.#lastSound >= 0 && nowMs - this.#lastSoundMs < limits.counterResetMs && !isNewer(index, this.#lastSound)) {
      if (!this.#acknowledgeAgain(index)) this.#tally.add('soundLate');
      return;
    }
    this.#lastSound = index;
    this.#lastSoundMs = nowMs;
    const mediaMs = this.#unwrap(packet.timestampMs);
    this.#finish(index, true);
    this.#sink.sound({ data: datagram.slice(packet.offset, packet.offset + packet.length), mediaMs });
  }

  #pushFragment(packet: MediaPacket, datagram: Uint8Array, nowMs: number): void {
    if (datagram.length > limits.datagramBytes) {
      this.#tally.add('packetTooBig');
      return;
    }
    const slot = this.#slotOf(packet.frameIndex) ?? this.#openSlot(packet, nowMs);
    if (!slot) return;
    if (slot.has(packet.packetIndex)) {
      this.#pushDuplicate(slot, packet);
      return;
    }
    if (slot.packetCount > 0 && packet.packetIndex >= slot.packetCount) {
      this.#tally.add('packetBeyondCount');
      return;
    }
    slot.add(packet, datagram, nowMs);
    if (packet.packetIndex === 0) this.#readHead(slot, packet);
    if (slot.payloadBytes > limits.frameBytes || slot.keptBytes > limits.frameBytes * 2) {
      this.#abandon(slot, 'pictureTooBig');
      return;
    }
    if (slot.packetCount > 0 && slot.highest >= slot.packetCount) {
      // Fragments came before the head and lie beyond what it announces: one of the two is not true.
      this.#abandon(slot, 'pictureHeadConflict');
      return;
    }
    if (packet.packetIndex === 0) this.#completeHeadless(packet.frameIndex, nowMs);
    if (slot.inUse) this.#completeIfWhole(slot, nowMs);
  }

  #slotOf(frameIndex: number): PictureSlot | undefined {
    if (this.#latest.inUse && this.#latest.frameIndex === frameIndex) return this.#latest;
    for (const slot of this.#slots) if (slot.inUse && slot.frameIndex === frameIndex) return slot;
    return undefined;
  }

  /** A slot for a frame not seen yet, or nothing when the frame is over already. */
  #openSlot(packet: MediaPacket, nowMs: number): PictureSlot | undefined {
    const index = packet.frameIndex;
    if (this.#lastPicture >= 0) {
      if (nowMs - this.#lastPictureMs >= limits.counterResetMs) this.#restartCounter();
      else if (!isNewer(index, this.#lastPicture)) {
        if (!this.#acknowledgeAgain(index)) this.#countOvertaken(index);
        return undefined;
      }
    }
    if (this.#acknowledgeAgain(index)) return undefined;
    let free: PictureSlot | undefined;
    let oldest = this.#slots[0]!;
    for (const slot of this.#slots) {
      if (!slot.inUse) free ??= slot;
      else if (!oldest.inUse || slot.openedOrder < oldest.openedOrder) oldest = slot;
    }
    if (!free) {
      this.#abandon(oldest, 'pictureIncomplete');
      free = oldest;
    }
    free.begin(index, this.#order++);
    this.#latest = free;
    return free;
  }

  /** Nothing for a while: a rebooted camera counts from anywhere, and old memories would only be wrong. */
  #restartCounter(): void {
    this.#lastPicture = -1;
    this.#finished.fill(-1);
  }

  #pushDuplicate(slot: PictureSlot, packet: MediaPacket): void {
    const isOtherHead =
      packet.hasHead &&
      slot.hasHead &&
      (packet.totalBytes !== slot.totalBytes ||
        packet.packetCount !== slot.packetCount ||
        packet.timestampMs !== slot.timestampMs);
    if (isOtherHead) this.#abandon(slot, 'pictureHeadConflict');
    else this.#tally.add('packetDuplicate');
  }

  #readHead(slot: PictureSlot, packet: MediaPacket): void {
    if (!packet.hasHead) return;
    const { packetCount, totalBytes } = packet;
    const isSane =
      packetCount > 0 &&
      packetCount <= MAX_FRAGMENTS &&
      totalBytes > 0 &&
      totalBytes <= limits.frameBytes &&
      totalBytes <= packetCount * MAX_PAYLOAD_BYTES;
    if (!isSane) {
      this.#tally.add('headIgnored');
      return;
    }
    slot.hasHead = true;
    slot.packetCount = packetCount;
    slot.totalBytes = totalBytes;
    slot.width = packet.width;
    slot.height = packet.height;
    slot.timestampMs = packet.timestampMs;
  }

  /** The first fragment of a newer picture ends older ones that announced no length (section 11.4 rule 2). */
  #completeHeadless(newerThan: number, nowMs: number): void {
    for (const slot of this.#slots) {
      if (!slot.inUse || slot.hasHead || !isNewer(newerThan, slot.frameIndex)) continue;
      // Bytes may follow the end marker. What is no picture yet stays: its last packets may be late. Joining costs, so
      // it is tried once.
      if (slot.wasTried || !slot.isGapFree) continue;
      slot.wasTried = true;
      if (trimJpeg(slot.join())) this.#emit(slot, nowMs);
    }
  }

  #completeIfWhole(slot: PictureSlot, nowMs: number): void {
    if (slot.hasHead) {
      if (slot.payloadBytes > slot.totalBytes) this.#abandon(slot, 'pictureBadLength');
      else if (slot.received === slot.packetCount) {
        if (slot.payloadBytes === slot.totalBytes) this.#emit(slot, nowMs);
        else this.#abandon(slot, 'pictureBadLength');
      }
    } else if (slot.isGapFree && slot.endsLikeJpeg) this.#emit(slot, nowMs);
  }

  #emit(slot: PictureSlot, nowMs: number): void {
    const joined = slot.join();
    const data = trimJpeg(joined);
    // Without a head nothing but the bytes themselves says that this is a picture, so a marker must follow SOI.
    if (!data || (!slot.hasHead && data[2] !== 0xff)) {
      this.#badInARow++;
      this.#annexB = !startsLikeJpeg(joined) && looksLikeAnnexB(joined);
      this.#abandon(slot, 'pictureBadJpeg');
      return;
    }
    // The picture knows its size better than the packet that carries it.
    const { width, height } = jpegSize(data) ?? slot;
    if (width * height > limits.picturePixels) {
      this.#abandon(slot, 'pictureTooManyPixels');
      return;
    }
    this.#badInARow = 0;
    const index = slot.frameIndex;
    const mediaMs = slot.hasHead ? this.#unwrap(slot.timestampMs) : null;
    slot.release();
    this.#lastPicture = index;
    this.#lastPictureMs = nowMs;
    this.#finish(index, true);
    for (const other of this.#slots) {
      // An older picture could only be shown out of order now.
      if (other.inUse && !isNewer(other.frameIndex, index)) this.#abandon(other, 'pictureIncomplete');
    }
    this.#sink.picture({ data, width, height, mediaMs });
  }

  #abandon(slot: PictureSlot, reason: AssemblerCount): void {
    const index = slot.frameIndex;
    slot.release();
    this.#lost++;
    this.#tally.add(reason);
    this.#finish(index, false);
  }

  #finish(index: number, isWhole: boolean): void {
    this.#finished[this.#finishedAt] = isWhole ? index | WHOLE : index;
    this.#finishedAt = (this.#finishedAt + 1) % limits.finishedFrames;
    this.#sink.finished(index, isWhole);
  }

  /** A packet of a frame that is over: its acknowledgement was lost, or it is a copy. */
  #acknowledgeAgain(index: number): boolean {
    const wasWhole = this.#finished.includes(index | WHOLE);
    if (!wasWhole && !this.#finished.includes(index)) return false;
    this.#tally.add(wasWhole ? 'packetDuplicate' : 'packetLate');
    this.#sink.finished(index, wasWhole);
    return true;
  }

  /** The first packet of a picture that a newer one has overtaken whole: lost, because order is kept. */
  #countOvertaken(index: number): void {
    this.#lost++;
    this.#tally.add('pictureLate');
    this.#finish(index, false);
  }

  /** The device clock without its wrap at 2^32; sound and pictures share it. */
  #unwrap(timestampMs: number): number {
    this.#deviceMs = this.#deviceMs === null ? timestampMs : this.#deviceMs + ((timestampMs - this.#deviceClock) | 0);
    this.#deviceClock = timestampMs;
    return this.#deviceMs;
  }
}

const ANNEX_B_SEARCH_BYTES = 12;

/** An H.264 start code near the beginning (section 9): other cameras of the app send that. */
function looksLikeAnnexB(bytes: Uint8Array): boolean {
  const end = Math.min(ANNEX_B_SEARCH_BYTES, bytes.length - 2);
  for (let i = 0; i < end; i++) if (bytes[i] === 0 && bytes[i + 1] === 0 && bytes[i + 2] === 1) return true;
  return false;
}
