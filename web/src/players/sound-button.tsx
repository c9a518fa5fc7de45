// Switches a camera's sound on and off.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import { Button } from '../ui/button.tsx';
import { notify } from '../ui/toasts.tsx';
import { Sound, type SoundState } from './sound.ts';

/** Nothing for a camera without a microphone. */
export function SoundButton({ camera }: { camera: CameraInfo }) {
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
