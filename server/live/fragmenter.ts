// The one fragmenter of a camera: its H.264 or H.265 (copied; encoded when it sends JPEG) as fragments of MP4, one per
// frame, in memory and without a process. Keeps the last seconds, cut at key pictures, so that a new viewer begins with a
// picture and HLS has its segments. AAC is copied, other sound becomes AAC (sound-view.ts).

import type { EncodedLease } from '../cameras/camera.ts';
import type { HubItem, HubReader } from '../cameras/frame-hub.ts';
import type { AudioFrame, VideoFrame } from '../core/frame.ts';
import { aacName, h264Name, h265Name } from '../media/codec-names.ts';
import { encodeFragmentHead, encodeInit, TRACK, VIDEO_TIMESCALE } from '../media/fmp4.ts';
import { FragmentClock, type FragmentTime } from '../media/fmp4-clock.ts';
import { MediaTime, soundStartMs } from '../media/media-time.ts';
import { sameBytes } from '../media/nal.ts';
import { PictureTimes } from '../media/picture-times.ts';
import { type LiveCamera, NO_SIGNAL_MS } from './live-camera.ts';
import type { SoundFormat } from './sound-run.ts';
import type { SoundLease, SoundViews } from './sound-view.ts';

/** Segments begin at the first key picture after this. */
const MIN_SEGMENT_SECONDS = 1;
/** Closed segments kept: what HLS players want to have before them. */
const MAX_SEGMENTS = 8;
const MAX_BYTES = 48 * 1024 * 1024;
/** A camera without key pictures must not fill the memory. */
const MAX_SEGMENT_BYTES = 32 * 1024 * 1024;

/** How far a camera's own ring is looked back into, so that HLS has closed segments at once. */
const HISTORY_MS = 10_000;
/** Sound that came before its picture waits for it; an encoder that begins in the past is so far behind. */
const MAX_WAITING_SOUND = 1024;
/** A segment that is asked for is closed at any picture, once it has so much. */
const MIN_FORCED_SECONDS = 0.5;

/**
 * The camera's clock smooths arrival within these. Nothing can be here early: what seems to be follows a stall that was taken
 * for the truth, and pictures and sound must not be apart for it. With B-frames some come before their turn, but not by much.
 */
const BOUNDS = { maxEarlyMs: 200 } as const;
/** A camera whose clock does not keep up with its pictures. */
const PICTURE_BOUNDS = { ...BOUNDS, maxLateMs: 1000 } as const;
/** The line begins so much before its first picture: with B-frames that is decoded before it is shown. */
const LEAD_MS = 1000;

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

type Format = { readonly picture: VideoFrame; readonly sound: SoundFormat | null };

/** See the head of this file. Dispose it. */
export class Fragmenter implements Disposable {
  readonly #camera: LiveCamera;
  readonly #lease: EncodedLease;
  readonly #sound: SoundLease | null;
  readonly #readers: readonly HubReader[];
  readonly #listeners = new Set<() => void>();
  readonly #segments: Segment[] = [];
  #waitingSound: AudioFrame[] = [];
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
  #cutWanted = false;
  readonly #order = new PictureTimes();
  readonly #pictureTime = new MediaTime(PICTURE_BOUNDS);
  readonly #soundTime = new MediaTime(BOUNDS);

  /** @param sounds where its sound comes from; `null`: pictures only */
  constructor(camera: LiveCamera, sounds: SoundViews | null) {
    this.#camera = camera;
    this.#lease = camera.acquireEncoded();
    this.#sound = sounds?.acquire(camera, 'aac') ?? null;
    const hasHistory = this.#addHistory();
    const start = hasHistory ? 'live' : 'newestKey';
    const common = { policy: 'every', start, onFrame: () => this.#pump() } as const;
    this.#readers = [
      this.#lease.hub.open({ ...common, kinds: 'video' }),
      ...(this.#sound ? [this.#sound.hub.open({ ...common, kinds: 'audio' })] : []),
    ];
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

  /** Closes the segment that is being made at the next picture: somebody waits for a first one. */
  wantSegment(): void {
    this.#cutWanted = true;
  }

  [Symbol.dispose](): void {
    for (const reader of this.#readers) reader[Symbol.dispose]();
    this.#sound?.[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
    this.#listeners.clear();
  }

  /**
   * What the camera's own ring holds, where it can be used as it is. Sound that goes through an encoder has no past, so the
   * pictures must have none either.
   */
  #addHistory(): boolean {
    const { hub } = this.#camera;
    const newest = hub.newestVideo?.frame;
    if (!newest || newest.codec === 'mjpeg' || this.#sound?.view.isCopied === false) return false;
    const start = { sinceMonoMs: newest.monoMs - HISTORY_MS };
    using pictures = hub.open({ kinds: 'video', policy: 'every', start });
    using sounds = this.#sound?.hub.open({ kinds: 'audio', policy: 'every', start }) ?? null;
    const items = [...drain(pictures), ...(sounds ? drain(sounds) : [])];
    this.#takeAll(items.sort((a, b) => a.frame.monoMs - b.frame.monoMs));
    return items.length > 0;
  }

  #pump(): void {
    for (const reader of this.#readers) this.#takeAll([...drain(reader)]);
  }

  /** In which order pictures are shown is learned from all of them before the first is given out. */
  #takeAll(items: readonly HubItem[]): void {
    for (const { frame } of items) if (frame.kind === 'video') this.#order.hear(frame);
    for (const { frame, missed } of items) {
      if (frame.kind === 'audio') this.#addSound(frame);
      else if (frame.codec !== 'mjpeg' && !this.#isOutdated(frame)) this.#addPicture(frame, missed > 0);
    }
  }

  /** What an encoder made an hour ago is still in its ring; the camera has newer pictures. */
  #isOutdated(frame: VideoFrame): boolean {
    const newest = this.#camera.hub.newestVideo?.frame;
    return newest?.codec === 'mjpeg' && newest.monoMs - frame.monoMs > NO_SIGNAL_MS + HISTORY_MS;
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
    const shownMs = this.#pictureTime.toMono(frame.mediaMs, frame.monoMs) - this.#zeroMs;
    const time = this.#pictures.picture(Math.max(0, shownMs + LEAD_MS), frame.key, this.#order.depth);
    if (frame.key || this.#mayCut()) this.#cut(frame, time);
    this.#add(TRACK.video, frame, frame.key, time, time.duration / VIDEO_TIMESCALE);
    for (const sound of this.#waitingSound.splice(0)) this.#addSound(sound);
  }

  /** The first segment is closed early: a camera may send a key picture in ten seconds only. */
  #mayCut(): boolean {
    const only = this.#segments.length === 1 ? this.#segments[0] : undefined;
    return this.#cutWanted && only !== undefined && only.seconds >= MIN_FORCED_SECONDS;
  }

  #addSound(frame: AudioFrame): void {
    if (this.#needsKey || this.#zeroMs === null) {
      this.#waitingSound.push(frame);
      if (this.#waitingSound.length > MAX_WAITING_SOUND) this.#waitingSound.shift();
      return;
    }
    const { sound } = this.#format ?? {};
    if (!sound || !this.#sounds || !sameSound(sound, frame)) return;
    const startMs = this.#soundTime.toMono(frame.mediaMs, soundStartMs(frame)) - this.#zeroMs;
    if (startMs >= 0) this.#add(TRACK.audio, frame, false, this.#sounds.sound(startMs + LEAD_MS, frame.samples), 0);
  }

  #add(track: number, frame: VideoFrame | AudioFrame, key: boolean, time: FragmentTime, seconds: number): void {
    const segment = this.#segments.at(-1);
    if (!segment || !this.#init) return;
    const sequence = ++this.#sequence;
    const bytes = frame.data.byteLength;
    const isSync = key || track === TRACK.audio;
    const head = encodeFragmentHead({ ...time, track, sequence, key: isSync, bytes });
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
    if (before && !changed && !jumped && before.seconds < MIN_SEGMENT_SECONDS && !this.#mayCut()) return;
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

  /** Whether the sound is another one, has begun, or has stopped. */
  #soundChanged(): boolean {
    const newest = this.#sound?.view.format ?? null;
    const known = this.#format?.sound ?? null;
    if (newest === null || known === null) return newest !== known;
    return !sameSound(known, newest);
  }

  #newFormat(picture: VideoFrame, codecConfig: Uint8Array | undefined): void {
    if (picture.codec === 'mjpeg' || !codecConfig) return;
    const { codec, width, height } = picture;
    const sound = this.#sound?.view.format ?? null;
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

/** All frames that a reader has. */
function* drain(reader: HubReader): Generator<HubItem> {
  for (let item = reader.poll(); item; item = reader.poll()) yield item;
}

function sameSound(a: SoundFormat, b: SoundFormat): boolean {
  if (!b.codecConfig || a.codec !== b.codec || a.sampleRate !== b.sampleRate || a.channels !== b.channels) return false;
  return a.codecConfig === b.codecConfig || sameBytes(a.codecConfig!, b.codecConfig);
}
