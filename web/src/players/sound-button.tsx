// Switches a camera's sound on and off.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import { Button } from '../ui/button.tsx';
import { notify } from '../ui/toasts.tsx';
import { videoWithSound } from './live-sound.ts';
import { Sound, type SoundState } from './sound.ts';

/** Nothing for a camera without a microphone. */
export function SoundButton({ camera }: { camera: CameraInfo }) {
  const video = videoWithSound.value;
  return video ? <VideoSound key="video" video={video} /> : <OwnSound key="own" camera={camera} />;
}

/** The sound that comes with the pictures: it is played already, without being heard. */
function VideoSound({ video }: { video: HTMLVideoElement }) {
  const [muted, setMuted] = useState(video.muted);
  const press = () => {
    video.muted = !video.muted;
    setMuted(video.muted);
  };
  return (
    <Button icon={muted ? 'mute' : 'sound'} pressed={!muted} onClick={press}>
      {muted ? 'Sound' : 'Sound on'}
    </Button>
  );
}

/** The sound of cameras whose pictures have none: a stream of its own. */
function OwnSound({ camera }: { camera: CameraInfo }) {
  const [state, setState] = useState<SoundState>('off');
  const sound = useRef<Sound>(null);
  useEffect(() => () => sound.current?.stop(), []);
  if (!camera.status.audio && state === 'off') return null;

  function press() {
    if (state === 'on' || state === 'starting') {
      sound.current?.stop();
      return;
    }
    sound.current = new Sound(camera.slug, (next) => {
      setState(next === 'failed' ? 'off' : next);
      if (next === 'failed') notify('The sound has ended.', 'bad');
    });
  }

  return (
    <Button icon={state === 'off' ? 'mute' : 'sound'} pressed={state !== 'off'} onClick={press}>
      {state === 'on' ? 'Sound on' : 'Sound'}
    </Button>
  );
}
