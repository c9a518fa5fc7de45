// The picture: live, or a recording; and over it what there is to say about it.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import * as format from '../format.ts';
import { LivePicture } from '../players/live-picture.tsx';
import { mediaSource } from '../players/mse-player.ts';
import { Icon } from '../ui/icons.tsx';
import type { TimelineStore } from './store.ts';

/** To the millisecond: of a picture that stands still. */
const exactTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

export function Stage({ store, camera }: { store: TimelineStore; camera: CameraInfo }) {
  const box = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    store.stage = box.current;
    store.attach(video.current);
    return () => store.attach(null);
  }, [store]);
  const { value: volume } = store.volume;
  const { value: muted } = store.muted;
  // Before the browser tells of the mute that every <video> here begins with.
  useLayoutEffect(() => {
    if (!video.current) return;
    video.current.volume = volume;
    video.current.muted = muted;
  }, [volume, muted]);

  const live = store.mode.value === 'live';
  const problem = store.problem.value;
  return (
    <div class={`tl-stage${live ? ' is-live' : ''}`} ref={box} tabIndex={-1}>
      {live && <LivePicture camera={camera} large key={camera.id} />}
      <video
        ref={video}
        hidden={live}
        muted
        playsInline
        preload="auto"
        aria-label={`Recording of ${camera.name}`}
        onClick={() => store.toggle()}
        onVolumeChange={(event) => {
          // The engine may have had to mute: browsers play with sound only after a touch of the page.
          if (event.currentTarget.muted !== store.muted.peek()) store.muted.value = event.currentTarget.muted;
        }}
      />
      {!live && <Clock store={store} />}
      {!live && store.waiting.value && !problem && (
        <span class="spinner tl-spinner" role="status" aria-label="Loading" />
      )}
      {!live && problem && (
        <p class="tl-problem" role="alert">
          <Icon name="warn" /> {problem}
        </p>
      )}
      {!live && !mediaSource() && (
        <p class="tl-problem" role="alert">
          <Icon name="warn" /> This browser cannot play recordings here. Download them from the list.
        </p>
      )}
      <NoteLine store={store} />
    </div>
  );
}

/** The true time of the picture that is shown. */
function Clock({ store }: { store: TimelineStore }) {
  const at = store.position.value;
  const still = !store.playing.value;
  return (
    <output class="tl-clock numbers" data-at={Math.round(at)}>
      <span>{format.day(at)}</span> {still ? exactTime.format(at) : format.timeOfDay(at)}
    </output>
  );
}

function NoteLine({ store }: { store: TimelineStore }) {
  const note = store.note.value;
  return (
    <div class="tl-note" role="status" aria-live="polite">
      {note && <span key={note.id}>{note.text}</span>}
    </div>
  );
}
