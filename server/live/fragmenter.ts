// The one fragmenter of a camera: its H.264 or H.265 (copied; encoded when it sends JPEG) as fragments of MP4, one per
// frame, in memory and without a process. Keeps the last seconds, cut at key pictures, so that a new viewer begins with a
// picture and HLS has its segments. AAC is copied; other sound is left out (it would need an encoder).

import type { EncodedLease } from '../cameras/camera.ts';
import type { HubReader } from '../cameras/frame-hub.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { aacName, h264Name, h265Name } from '../media/codec-names.ts';
import { encodeFragmentHead, encodeInit, isCopiedAudio, TRACK, VIDEO_TIMESCALE } from '../media/fmp4.ts';
import { FragmentClock, type FragmentTime } from '../media/fmp4-clock.ts';
import { sameBytes } from '../media/nal.ts';
import type { LiveCamera } from './live-camera.ts';

/** Segments begin at the first key picture after this. */
const MIN_SEGMENT_SECONDS = 1;
/** Closed segments kept: what HLS players want to have before them. */
const MAX_SEGMENTS = 8;
const MAX_BYTES = 48 * 1024 * 1024;
/** A camera without key pictures must not fill the memory. */
const MAX_SEGMENT_BYTES = 32 * 1024 * 1024;

/** The camera's clock smooths arrival within this. */
const MAX_JITTER_MS = 200;

/** What a player needs before the first fragment. A new one means: another size, codec or sound. */
export type InitSegment = {
  readonly number: number;
  readonly data: Buffer;
  /** For `MediaSource.isTypeSupported`. */
  readonly mime: string;
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
  readonly sound: boolean;
};

/** One frame as moof and mdat. Shared by all viewers. */
export type Fragment = {
  readonly seq: number;
  readonly init: InitSegment;
  /** A picture at which decoding can begin. */
  readonly key: boolean;
  readonly data: Buffer;
  /** Wall-clock time. */
  readonly at: number;
};

/** Fragments from a key picture to the next. */
export type Segment = {
  readonly number: number;
  readonly init: InitSegment;
  /** Does not follow in time, or in format, what was before. */
  readonly discontinuity: boolean;
  readonly at: number;
  readonly fragments: Fragment[];
  seconds: number;
  bytes: number;
  closed: boolean;
};

type Format = { readonly picture: VideoFrame; readonly sound: AudioFrame | null };

/** See the head of this file. Dispose it. */
export class Fragmenter implements Disposable {
  readonly #camera: LiveCamera;
  readonly #lease: EncodedLease;
  readonly #reader: HubReader;
  readonly #listeners = new Set<() => void>();
  readonly #segments: Segment[] = [];
  #bytes = 0;
  #format: Format | null = null;
  #init: InitSegment | null = null;
  #pictures = new FragmentClock(VIDEO_TIMESCALE);
  #sounds: FragmentClock | null = null;
  #zeroMs: number | null = null;
  #sequence = 0;
  #segmentNumber = 0;
  #discontinuitiesGone = 0;
  #needsKey = true;
  #mediaOffsetMs = Number.NaN;

  constructor(camera: LiveCamera) {
    this.#camera = camera;
    this.#lease = camera.acquireEncoded();
    this.#reader = this.#lease.hub.open({
      ...{ kinds: 'all', policy: 'every', start: 'newestKey' },
      onFrame: () => this.#pump(),
    });
    this.#pump();
  }

  /** Closed segments and the one being made, oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Discontinuities in front of segments that are not kept any more. */
  get discontinuitiesGone(): number {
    return this.#discontinuitiesGone;
  }

  /** Number of the newest fragment; 0 before the first. */
  get lastSeq(): number {
    return this.#sequence;
  }

  /** Calls `fn` after each fragment. @returns stops that */
  onFragment(fn: () => void): () => void {
    this.#listeners.add(fn);
    return () => void this.#listeners.delete(fn);
  }

  /** The fragment with that number, when it is kept. */
  at(seq: number): Fragment | null {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const { fragments } = this.#segments[i]!;
      const first = fragments[0]?.seq ?? Number.POSITIVE_INFINITY;
      if (seq >= first) return fragments[seq - first] ?? null;
    }
    return null;
  }

  /** The newest fragment at which decoding can begin. */
  get newestKey(): Fragment | null {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const found = this.#segments[i]!.fragments.findLast(({ key }) => key);
      if (found) return found;
    }
    return null;
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
    this.#listeners.clear();
  }

  #pump(): void {
    for (let item = this.#reader.poll(); item; item = this.#reader.poll()) {
      const { frame } = item;
      if (frame.kind === 'audio') this.#addSound(frame);
      else if (frame.codec !== 'mjpeg') this.#addPicture(frame, item.missed > 0);
    }
  }

  #addPicture(frame: VideoFrame, missed: boolean): void {
    if (missed && !frame.key) this.#needsKey = true;
    if (!this.#fits(frame)) this.#needsKey = true;
    if (this.#needsKey) {
      if (!frame.key || !frame.codecConfig) return;
      if (!this.#fits(frame) || this.#soundChanged()) this.#newFormat(frame, frame.codecConfig);
      if (!this.#init) return;
      this.#needsKey = false;
    } else if (frame.key && this.#soundChanged()) this.#newFormat(frame, frame.codecConfig);
    this.#zeroMs ??= frame.monoMs;
    const time = this.#pictures.picture(Math.max(0, this.#smoothMs(frame) - this.#zeroMs), frame.key);
    if (frame.key) this.#cut(frame, time);
    this.#add(TRACK.video, frame, frame.key, time, time.duration / VIDEO_TIMESCALE);
  }

  /** When the picture was taken, on our clock: by the camera's own clock while that agrees with the arrival. */
  #smoothMs({ mediaMs, monoMs }: VideoFrame): number {
    if (mediaMs === null) return monoMs;
    const off = Math.abs(mediaMs + this.#mediaOffsetMs - monoMs);
    if (!(off <= MAX_JITTER_MS)) this.#mediaOffsetMs = monoMs - mediaMs;
    return mediaMs + this.#mediaOffsetMs;
  }

  #addSound(frame: AudioFrame): void {
    const { sound } = this.#format ?? {};
    if (!sound || this.#needsKey || this.#zeroMs === null || !this.#sounds || frame.monoMs < this.#zeroMs) return;
    if (!sameSound(sound, frame)) return;
    this.#add(TRACK.audio, frame, false, this.#sounds.sound(frame.monoMs - this.#zeroMs, frame.samples), 0);
  }

  #add(track: number, frame: VideoFrame | AudioFrame, key: boolean, time: FragmentTime, seconds: number): void {
    const segment = this.#segments.at(-1);
    if (!segment || !this.#init) return;
    const sequence = ++this.#sequence;
    const bytes = frame.data.byteLength;
    const isSync = key || track === TRACK.audio;
    const head = encodeFragmentHead({ track, sequence, time: time.time, duration: time.duration, key: isSync, bytes });
    const data = Buffer.allocUnsafeSlow(head.length + bytes);
    data.set(head, 0);
    data.set(frame.data, head.length);
    segment.fragments.push({ seq: sequence, init: this.#init, key, data, at: frame.at });
    segment.seconds += seconds;
    segment.bytes += data.length;
    this.#bytes += data.length;
    if (segment.bytes > MAX_SEGMENT_BYTES) this.#needsKey = true;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Begins a segment when it is time. */
  #cut(frame: VideoFrame, { jumped }: FragmentTime): void {
    const before = this.#segments.at(-1);
    const changed = before?.init !== this.#init;
    if (before && !changed && !jumped && before.seconds < MIN_SEGMENT_SECONDS) return;
    if (before) before.closed = true;
    this.#segments.push({
      ...{ number: ++this.#segmentNumber, init: this.#init!, at: frame.at, fragments: [] },
      ...{ discontinuity: before !== undefined && (changed || jumped), seconds: 0, bytes: 0, closed: false },
    });
    while (this.#segments.length > 2 && (this.#segments.length > MAX_SEGMENTS + 1 || this.#bytes > MAX_BYTES)) {
      const gone = this.#segments.shift()!;
      this.#bytes -= gone.bytes;
      if (gone.discontinuity) this.#discontinuitiesGone++;
    }
  }

  #fits(frame: VideoFrame): boolean {
    const known = this.#format?.picture;
    if (!known || frame.codec !== known.codec || frame.width !== known.width || frame.height !== known.height)
      return false;
    const config = frame.codecConfig;
    return config === undefined || config === known.codecConfig || sameBytes(config, known.codecConfig!);
  }

  get #newestSound(): AudioFrame | null {
    const frame = this.#camera.hub.newestAudio?.frame;
    return frame && isCopiedAudio(frame.codec, frame.codecConfig) ? frame : null;
  }

  #soundChanged(): boolean {
    const newest = this.#newestSound;
    const known = this.#format?.sound ?? null;
    return newest !== null && (known === null || !sameSound(known, newest));
  }

  #newFormat(picture: VideoFrame, codecConfig: Uint8Array | undefined): void {
    if (picture.codec === 'mjpeg' || !codecConfig) return;
    const { codec, width, height } = picture;
    const sound = this.#newestSound;
    const videoName = codec === 'h264' ? h264Name(codecConfig) : h265Name(codecConfig);
    if (!videoName) return;
    const audio = sound && { sampleRate: sound.sampleRate, channels: sound.channels, codecConfig: sound.codecConfig! };
    const data = encodeInit({ codec, width, height, codecConfig }, audio);
    const codecs = [videoName, sound && aacName(sound.codecConfig!)].filter((name) => name !== null).join(',');
    this.#format = { picture, sound };
    this.#sounds = sound && new FragmentClock(sound.sampleRate);
    this.#init = {
      ...{ number: (this.#init?.number ?? 0) + 1, data: Buffer.from(data.buffer), codecs, width, height },
      ...{ mime: `video/mp4; codecs="${codecs}"`, sound: sound !== null },
    };
  }
}

function sameSound(a: AudioFrame, b: AudioFrame): boolean {
  if (!b.codecConfig || a.codec !== b.codec || a.sampleRate !== b.sampleRate || a.channels !== b.channels) return false;
  return a.codecConfig === b.codecConfig || sameBytes(a.codecConfig!, b.codecConfig);
}
