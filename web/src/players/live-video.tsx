// One camera's H.264 or H.265 as the camera sends it, in a <video>.

import { useEffect, useRef } from 'preact/hooks';
import { watchVideo } from './live.ts';
import type { LiveSource } from './live-protocol.ts';
import { videoWithSound } from './live-sound.ts';
import { MsePlayer } from './mse-player.ts';

type Props = {
  readonly slug: string;
  readonly source: LiveSource;
  readonly name: string;
  /** Its sound may be switched on. */
  readonly sound: boolean;
  readonly onPicture: (takenAt: number) => void;
  readonly onLost: () => void;
  /** This browser does not play it, or gave up. */
  readonly onFailed: (reason: 'codec' | 'broken') => void;
};

export function LiveVideo({ slug, source, name, sound, onPicture, onLost, onFailed }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    let takenAt = 0;
    const player = new MsePlayer(video, {
      onPicture: () => onPicture(takenAt),
      onBroken: () => onFailed('broken'),
    });
    const end = watchVideo({
      camera: slug,
      source,
      sound,
      onFormat: (format) => {
        if (!player.format(format.mime)) onFailed('codec');
        if (sound) videoWithSound.value = format.sound ? video : null;
      },
      onBytes: (bytes, at) => {
        takenAt = at;
        return player.append(bytes);
      },
      onLost,
    });
    return () => {
      end();
      player.stop();
      if (videoWithSound.peek() === video) videoWithSound.value = null;
    };
  }, [slug, source, sound]);
  return <video ref={element} aria-label={`Live picture of ${name}`} muted playsInline />;
}
