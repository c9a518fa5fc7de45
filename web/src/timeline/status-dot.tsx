// A camera's state as a dot beside its name.

import type { CameraInfo } from '../api-types.ts';
import { stateWord } from '../ui/status.tsx';

export function StatusDot({ camera }: { camera: CameraInfo }) {
  const { word, tone } = stateWord(camera.status);
  const recording = camera.status.recording && camera.status.state === 'live';
  return (
    <span
      class={`tl-dot ${recording ? 'recording' : tone}`}
      role="img"
      aria-label={recording ? 'Being recorded' : word}
      title={recording ? 'Being recorded' : word}
    />
  );
}
