// The buttons under the picture.

import type { CameraInfo } from '../api-types.ts';
import { SoundButton } from '../players/sound-button.tsx';
import { Button } from '../ui/button.tsx';
import { SPEEDS, type TimelineStore } from './store.ts';

export function Transport({ store, camera }: { store: TimelineStore; camera: CameraInfo }) {
  const live = store.mode.value === 'live';
  const playing = store.playing.value;
  return (
    <section class="tl-bar" aria-label="Playing">
      <div class="tl-bar-part">
        <Button kind="quiet" icon="previous" label="Previous recording" onClick={() => void store.nextSegment(-1)} />
        <Button kind="quiet" icon="stepBack" label="One picture back" onClick={() => store.step(-1)} />
        <Button
          kind="primary"
          icon={playing && !live ? 'pause' : 'play'}
          label={playing && !live ? 'Pause' : live ? 'Play the last 10 seconds' : 'Play'}
          onClick={() => store.toggle()}
        />
        <Button
          kind="quiet"
          icon="stepNext"
          label="One picture forward"
          disabled={live}
          onClick={() => store.step(1)}
        />
        <Button
          kind="quiet"
          icon="following"
          label="Next recording"
          disabled={live}
          onClick={() => void store.nextSegment(1)}
        />
      </div>
      <label class="tl-speed">
        <span class="off-screen">Speed</span>
        <select
          value={String(store.rate.value)}
          disabled={live}
          onChange={(event) => store.setRate(Number(event.currentTarget.value))}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed}×
            </option>
          ))}
        </select>
      </label>
      <div class="tl-bar-part">
        {live ? <SoundButton camera={camera} /> : <Volume store={store} />}
        <Button kind="quiet" icon="full" label="Full screen" onClick={() => store.fullScreen()} />
      </div>
      <div class="tl-bar-part tl-bar-end">
        <button
          type="button"
          class={`button tl-live${live ? ' on' : ''}`}
          aria-pressed={live}
          onClick={() => store.goLive()}
        >
          <span class="dot" aria-hidden="true" />
          Live
        </button>
      </div>
    </section>
  );
}

function Volume({ store }: { store: TimelineStore }) {
  const muted = store.muted.value || store.volume.value === 0;
  return (
    <>
      <Button
        kind="quiet"
        icon={muted ? 'mute' : 'sound'}
        label={muted ? 'Sound on' : 'Mute'}
        onClick={() => store.setSound(store.volume.peek() || 1, !muted)}
      />
      <input
        class="tl-volume"
        type="range"
        min="0"
        max="1"
        step="0.05"
        aria-label="Volume"
        value={muted ? 0 : store.volume.value}
        onInput={(event) => {
          const volume = Number(event.currentTarget.value);
          store.setSound(volume, volume === 0);
        }}
      />
    </>
  );
}
