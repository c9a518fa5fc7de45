// One listener. Blocks are decoded once per camera (AAC by its one ffmpeg) and coded per listener (each answer is one
// continuous stream). A listener that falls behind the ring loses sound and is counted; in an outage the answer stays open
// and is silent; without a working ffmpeg, where one is needed, it ends.

import type { Clock } from '../core/clock.ts';
import type { AudioFrame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import type { CameraFeed, FeedMember } from './camera-feed.ts';
import type { LiveCamera } from './live-camera.ts';
import { joinSink } from './sink-member.ts';
import { isAdts, isHearable, openCoder, SOUND_TYPES, type SoundForm } from './sound.ts';
import type { SoundKind, SoundLease } from './sound-view.ts';
import type { StreamSink } from './stream-sink.ts';

/** A live camera with sound sends a block within this; the answer must come within 1 s. */
const FIRST_BLOCK_MS = 900;
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

/** What {@link streamSound} sends. */
export type SoundOptions = {
  readonly form: SoundForm;
  /** A block from {@link findSound}. */
  readonly format: AudioFrame;
  /** The camera's sound as {@link kindOf} the form; the stream disposes it. */
  readonly lease: SoundLease;
  /** Told how many blocks a slow listener did not get. */
  readonly onSkipped: (blocks: number) => void;
};

/** Streams one camera's sound into one sink. */
export function streamSound(feed: CameraFeed, sink: StreamSink, options: SoundOptions): FeedMember {
  const { form, format, lease, onSkipped } = options;
  const owned = new DisposableStack();
  owned.use(lease);
  const coder = openCoder(form, format);
  const source = feed.camera.hub;
  /** Ends the answer when the camera's sound becomes something that it cannot hold. */
  const checkSource = () => {
    const frame = source.newestAudio?.frame;
    const fits = !frame || (isHearable(frame) && (form !== 'adts' || frame.codec !== 'aac' || isAdts(frame)));
    if (!fits) sink.end();
  };
  // A seat in the camera's own hub: this is where viewers are counted.
  const seat = { kinds: 'audio', policy: 'newest', start: 'live', viewer: true, onFrame: checkSource } as const;
  owned.use(source.open(seat));
  const reader = owned.use(lease.hub.open({ kinds: 'audio', policy: 'every', start: 'live', onFrame: () => pump() }));
  // Silence without an end would look like a quiet camera.
  owned.defer(lease.view.onFailure(() => sink.end()));
  const pump = () => {
    while (sink.idle && !sink.closed) {
      const item = reader.poll();
      if (item?.frame.kind !== 'audio') return;
      const { frame, missed } = item;
      if (missed > 0) onSkipped(missed);
      const same = frame.sampleRate === format.sampleRate && frame.channels === format.channels;
      if (!same) {
        sink.end(); // the camera changed its sound; a new request is answered for the new one
        return;
      }
      const bytes = coder.encode(frame);
      if (bytes.length > 0) sink.writeOne(bytes);
    }
  };
  const first = () => {
    if (coder.opening.length > 0) sink.writeOne(coder.opening);
  };
  return joinSink(feed, sink, { headers: soundHeaders(form), pump, first, owned });
}
