// One listener. Blocks are decoded once per camera (AAC by its one ffmpeg) and coded per listener (each answer is one
// continuous stream). A listener that falls behind the ring loses sound and is counted; in an outage the answer stays open
// and is silent; without a working ffmpeg, where one is needed, it ends.

import type { HubReader } from '../cameras/frame-hub.ts';
import type { Clock } from '../core/clock.ts';
import type { AudioFrame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraFeed, FeedMember } from './camera-feed.ts';
import type { LiveCamera } from './live-camera.ts';
import { isAdts, isHearable, openCoder, SOUND_TYPES, type SoundCoder, type SoundForm } from './sound.ts';
import type { SoundKind, SoundLease } from './sound-view.ts';
import type { StreamSink } from './stream-sink.ts';

/** A live camera with sound sends a block within this; the answer must come within 1 s. */
const FIRST_BLOCK_MS = 900;
const STUCK_CHECK_MS = 5000;
const RETRY_MS = 5000;

/** How sound is compressed for `/audio`: AAC stays AAC where ADTS can say what it is, all other sound is one IMA stream. */
export function compressedForm({ hub }: Pick<LiveCamera, 'hub'>): SoundForm {
  const frame = hub.newestAudio?.frame;
  return frame && isAdts(frame) ? 'adts' : 'ima';
}

/** What an answer of that form is made of. */
export function kindOf(form: SoundForm): SoundKind {
  return form === 'adts' ? 'aac' : 'pcm';
}

/** Headers of the answer. */
export function soundHeaders(form: SoundForm): Record<string, string> {
  return { 'Content-Type': SOUND_TYPES[form], 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' };
}

/**
 * The format of a camera's sound: of its newest block, or of the first one that comes within a moment.
 * @throws NvrError `not_found` when the camera is live and silent, or its sound is nothing that can be read; `unavailable` (with `retryAfterMs`) when it is away and
 *   its sound was never heard
 */
export async function findSound(camera: LiveCamera, clock: Clock, signal: AbortSignal): Promise<AudioFrame> {
  const { hub } = camera;
  if (!hub.newestAudio && camera.status().state === 'live') {
    using reader = hub.open({ kinds: 'audio', policy: 'newest', start: 'live' });
    const limit = new AbortController();
    const timer = clock.after(FIRST_BLOCK_MS, () => limit.abort());
    await reader.wait(AbortSignal.any([signal, limit.signal]));
    timer.cancel();
  }
  const frame = hub.newestAudio?.frame;
  if (!frame && camera.status().state === 'live') throw new NvrError('not_found', 'This camera sends no sound');
  if (!frame) {
    throw new NvrError('unavailable', 'The camera is away, and its sound was not heard yet', {
      context: { retryAfterMs: RETRY_MS },
    });
  }
  if (!isHearable(frame)) throw new NvrError('not_found', 'This camera sends no sound that Perch can read');
  return frame;
}

/**
 * Waits a moment until sound of that form comes: one that has to be decoded may not.
 * @throws NvrError `unavailable` when its ffmpeg is missing, or ended without a sound
 */
export async function awaitSound(lease: SoundLease, clock: Clock, signal: AbortSignal): Promise<void> {
  const { hub, view } = lease;
  if (!view.isCopied && !hub.newestAudio && !view.failure) {
    using reader = hub.open({ kinds: 'audio', policy: 'newest', start: 'live' });
    const limit = new AbortController();
    const timer = clock.after(FIRST_BLOCK_MS, () => limit.abort());
    const stopWatching = view.onFailure(() => limit.abort());
    await reader.wait(AbortSignal.any([signal, limit.signal]));
    stopWatching();
    timer.cancel();
  }
  if (view.failure) throw view.failure;
}

/** Streams one camera's sound into one sink. */
export class AudioStream implements FeedMember {
  readonly #feed: CameraFeed;
  readonly #sink: StreamSink;
  readonly #form: SoundForm;
  readonly #format: AudioFrame;
  readonly #coder: SoundCoder;
  readonly #reader: HubReader;
  readonly #lease: SoundLease;
  readonly #seat: HubReader;
  readonly #stopWatching: () => void;
  readonly #onSkipped: (blocks: number) => void;

  /**
   * @param format a block from {@link findSound}
   * @param lease the camera's sound as {@link kindOf} the form; the stream disposes it
   * @param onSkipped told how many blocks a slow listener did not get
   */
  constructor(
    feed: CameraFeed,
    sink: StreamSink,
    form: SoundForm,
    format: AudioFrame,
    lease: SoundLease,
    onSkipped: (blocks: number) => void,
  ) {
    this.#feed = feed;
    this.#sink = sink;
    this.#form = form;
    this.#format = format;
    this.#coder = openCoder(form, format);
    this.#onSkipped = onSkipped;
    this.#lease = lease;
    // A seat in the camera's own hub: this is where viewers are counted.
    const onSource = () => this.#checkSource();
    this.#seat = feed.camera.hub.open({
      kinds: 'audio',
      policy: 'newest',
      start: 'live',
      viewer: true,
      onFrame: onSource,
    });
    const onFrame = () => this.#pump();
    this.#reader = lease.hub.open({ kinds: 'audio', policy: 'every', start: 'live', onFrame });
    // Silence without an end would look like a quiet camera.
    this.#stopWatching = lease.view.onFailure(() => sink.end());
    feed.join(this);
    sink.open(soundHeaders(form), { onReady: () => this.#pump(), onClose: () => this.#onClosed() }, () => {
      if (this.#coder.opening.length > 0) sink.writeOne(this.#coder.opening);
    });
    feed.wantTick(feed.nowMs() + STUCK_CHECK_MS);
  }

  tick(nowMs: number): number {
    this.#sink.endIfStuck(nowMs);
    return this.#sink.closed ? Number.POSITIVE_INFINITY : nowMs + STUCK_CHECK_MS;
  }

  close(): void {
    this.#sink.end();
  }

  /** Ends the answer when the camera's sound becomes something that this answer cannot hold. */
  #checkSource(): void {
    const frame = this.#feed.camera.hub.newestAudio?.frame;
    if (!frame) return;
    const fits = isHearable(frame) && (this.#form !== 'adts' || frame.codec !== 'aac' || isAdts(frame));
    if (!fits) this.#sink.end();
  }

  #pump(): void {
    while (this.#sink.idle && !this.#sink.closed) {
      const item = this.#reader.poll();
      if (item?.frame.kind !== 'audio') return;
      const { frame, missed } = item;
      if (missed > 0) this.#onSkipped(missed);
      const same = frame.sampleRate === this.#format.sampleRate && frame.channels === this.#format.channels;
      if (!same) {
        this.#sink.end(); // the camera changed its sound; a new request is answered for the new one
        return;
      }
      const bytes = this.#coder.encode(frame);
      if (bytes.length > 0) this.#sink.writeOne(bytes);
    }
  }

  #onClosed(): void {
    this.#stopWatching();
    this.#reader[Symbol.dispose]();
    this.#seat[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
    this.#feed.leave(this);
  }
}
