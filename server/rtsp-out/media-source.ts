// One stream of one camera while somebody asks for it: the frames, kept coming, and how they go out.

import type { Camera } from '../cameras/camera.ts';
import type { FrameHub } from '../cameras/frame-hub.ts';
import type { Clock } from '../core/clock.ts';
import type { AudioFrame, Frame, VideoFrame } from '../core/frame.ts';
import { NvrError } from '../core/nvr-error.ts';
import { type LiveCamera, NO_SIGNAL_MS } from '../live/live-camera.ts';
import type { LiveFeeds } from '../live/live-feeds.ts';
import { jpegSize } from '../media/jpeg.ts';
import type { CardSources, Size } from './card-source.ts';
import {
  ABSENT_MS,
  FIRST_PICTURE_MS,
  FIRST_SOUND_MS,
  JUST_COME_MS,
  RECENT_KEY_MS,
  RETRY_SECONDS,
  SOUND_AGE_MS,
} from './limits.ts';
import type { StreamKind } from './target.ts';
import { planSound, planVideo, type TrackPlan } from './track-plan.ts';

/** What {@link openMedia} needs. */
export type MediaOptions = {
  readonly clock: Clock;
  readonly feeds: LiveFeeds;
  readonly cards: CardSources;
};

/** A stream that may be played; keeps an encoder or a second source going. Dispose it. */
export type MediaSource = Disposable & {
  /** What is watched: the camera, or its second source. */
  readonly view: LiveCamera;
  readonly stream: StreamKind;
  /** Pictures as they go out. */
  readonly pictures: FrameHub;
  /** Sound as the camera sends it. */
  readonly sounds: FrameHub;
  /** Pictures first. */
  readonly plans: readonly TrackPlan[];
  /** The card in the form and size of the pictures; `null` where pictures are copied. */
  card(): (Disposable & { readonly hub: FrameHub }) | null;
};

const away = () =>
  new NvrError('unavailable', 'The camera sends no pictures at the moment', {
    context: { retryAfterMs: RETRY_SECONDS * 1000 },
  });

/**
 * Opens a stream: waits for its first picture, and a moment for sound where there may be some.
 * @throws NvrError `unavailable` when the camera is away (within 2 s), `not_found` when there is no such stream,
 *   `conflict` when its pictures do not fit into the stream that was asked for
 */
export async function openMedia(
  camera: Camera,
  stream: StreamKind,
  options: MediaOptions,
  signal: AbortSignal,
): Promise<MediaSource> {
  if (stream === 'sub' && !camera.config.subSource) throw new NvrError('not_found', 'This camera has no sub stream');
  const { feeds, clock, cards } = options;
  using stack = new DisposableStack();
  const view = stream === 'sub' ? camera.view('sub') : camera;
  if (stream === 'sub') stack.use(camera.sub.hold());
  await awaitPresence(camera, stream, clock, signal);
  const { hub: pictures } = stack.use(stream === 'jpeg' ? feeds.views.of(view).acquire() : view.acquireEncoded());
  // A seat in the camera's own hub: this is where viewers are counted.
  stack.use(view.hub.open({ kinds: 'audio', policy: 'newest', start: 'live', viewer: true }));
  const isEncoded = stream !== 'jpeg' && view.hub.newestVideo?.frame.codec === 'mjpeg';
  const picture = await firstPicture(pictures, isEncoded, clock, signal);
  const video = planVideo(picture);
  if (!video) throw new NvrError('conflict', 'The pictures of this camera do not fit into this kind of stream');
  const sound = stream === 'jpeg' ? null : await firstSound(view, clock, signal);
  const audio = sound && planSound(sound);
  const held = stack.move();
  return {
    ...{ view, stream, pictures, sounds: view.hub, plans: audio ? [video, audio] : [video] },
    card() {
      const newest = view.hub.newestVideo?.frame;
      if (stream !== 'jpeg' && newest?.codec !== 'mjpeg') return null;
      return cards.acquire(view, stream === 'jpeg' ? 'jpeg' : 'h264', sizeOf(newest ?? picture));
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

/** Not every camera says it. */
function sizeOf({ codec, data, width, height }: VideoFrame): Size {
  return (codec === 'mjpeg' && width === 0 && jpegSize(data)) || { width, height };
}

/** A picture that may be shown as live. */
function isFresh(frame: Frame | undefined, clock: Clock): frame is Frame {
  return frame !== undefined && clock.monoMs() - frame.monoMs < NO_SIGNAL_MS;
}

/** @throws NvrError `unavailable` */
async function awaitPresence(camera: Camera, stream: StreamKind, clock: Clock, signal: AbortSignal): Promise<void> {
  const isHere = () =>
    stream === 'sub' ? camera.sub.connection?.shown === true : isFresh(camera.hub.newestVideo?.frame, clock);
  if (isHere()) return;
  const { state } = camera.status();
  if (state === 'disabled' || state === 'refused') throw away();
  const hub = stream === 'sub' ? camera.sub.hub : camera.hub;
  // The second source of a camera that is here is only dialled now, and its first picture is a key picture.
  const isDialling = stream === 'sub' && isFresh(camera.hub.newestVideo?.frame, clock);
  const hasFailed = () => isDialling && ['backingOff', 'refused'].includes(camera.sub.connection?.state ?? '');
  const withinMs = isDialling && !hasFailed() ? FIRST_PICTURE_MS : ABSENT_MS;
  await frameThat(hub, 'video', clock, withinMs, signal, () => isHere() || hasFailed());
  if (!isHere()) throw away();
}

/**
 * The newest key picture, or the first one that comes. An encoder begins some seconds in the past, for recordings: who
 * watches would stay so far behind, so it is given a moment to come to now.
 * @throws NvrError `unavailable`
 */
async function firstPicture(hub: FrameHub, isEncoded: boolean, clock: Clock, signal: AbortSignal): Promise<VideoFrame> {
  const isKey = (frame: Frame): frame is VideoFrame =>
    frame.kind === 'video' && frame.key && isFresh(frame, clock) && (frame.codec === 'mjpeg' || !!frame.codecConfig);
  let newest: VideoFrame | null = null;
  const found = await frameThat(hub, 'video', clock, FIRST_PICTURE_MS, signal, (frame) => {
    if (!isKey(frame)) return false;
    newest = frame;
    return !isEncoded || clock.monoMs() - frame.monoMs < RECENT_KEY_MS;
  });
  const picture = found ?? newest;
  if (picture?.kind !== 'video') throw away();
  return picture;
}

/** The camera's sound: what was heard lately, or comes within a moment from a camera that has only just come. */
async function firstSound(view: LiveCamera, clock: Clock, signal: AbortSignal): Promise<AudioFrame | null> {
  const newest = view.hub.newestAudio?.frame;
  if (newest) return clock.monoMs() - newest.monoMs < SOUND_AGE_MS ? newest : null;
  const { state, since } = view.status();
  if (state !== 'live' || clock.wallMs() - since > JUST_COME_MS) return null;
  const found = await frameThat(view.hub, 'audio', clock, FIRST_SOUND_MS, signal, () => true);
  return found?.kind === 'audio' ? found : null;
}

/** The first frame, from the newest key picture on, that is good; `null` when none comes in time. */
async function frameThat(
  hub: FrameHub,
  kinds: 'video' | 'audio',
  clock: Clock,
  withinMs: number,
  signal: AbortSignal,
  isGood: (frame: Frame) => boolean,
): Promise<Frame | null> {
  using reader = hub.open({ kinds, policy: 'every', start: 'newestKey' });
  const limit = new AbortController();
  const timer = clock.after(withinMs, () => limit.abort());
  const until = AbortSignal.any([signal, limit.signal]);
  try {
    while (!until.aborted) {
      for (let item = reader.poll(); item; item = reader.poll()) if (isGood(item.frame)) return item.frame;
      await reader.wait(until);
    }
    return null;
  } finally {
    timer.cancel();
  }
}
