// One camera's video where the browser has no MediaSource but plays HLS itself: iPhones before iOS 17.1. Some seconds late.

import { useEffect, useRef } from 'preact/hooks';
import { urlOf } from '../base.ts';

const HLS_TYPE = 'application/vnd.apple.mpegurl';
const AGAIN_MS = 2_000;

/** Whether this browser plays HLS by itself. */
export function playsHls(): boolean {
  return document.createElement('video').canPlayType(HLS_TYPE) !== '';
}

type Props = {
  readonly slug: string;
  readonly name: string;
  readonly onPicture: (takenAt: number) => void;
  readonly onLost: () => void;
  /** It was never able to show a picture. */
  readonly onFailed: () => void;
};

export function NativeHls({ slug, name, onPicture, onLost, onFailed }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    let timer: number | undefined;
    let ended = false;
    let hasPlayed = false;
    const load = () => {
      video.src = urlOf(`cameras/${encodeURIComponent(slug)}/hls/index.m3u8?source=main`);
      void video.play().catch(() => {}); // it says so by an error, too
    };
    // A playlist ends with an outage, or with another format: what played before will play again.
    const interrupted = () => {
      onLost();
      if (!hasPlayed) {
        onFailed();
        return;
      }
      clearTimeout(timer);
      timer = window.setTimeout(load, AGAIN_MS);
    };
    const shown = () => {
      if (ended) return;
      hasPlayed = true;
      onPicture(Date.now());
    };
    const watch = () => {
      shown();
      if (!ended) video.requestVideoFrameCallback(watch);
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(watch);
    else (video as HTMLVideoElement).ontimeupdate = shown;
    video.muted = true;
    video.disableRemotePlayback = true;
    video.onerror = interrupted;
    video.onended = interrupted;
    load();
    return () => {
      ended = true;
      clearTimeout(timer);
      video.onerror = video.onended = video.ontimeupdate = null;
      video.removeAttribute('src');
      video.load();
    };
  }, [slug]);
  return <video ref={element} aria-label={`Live picture of ${name}`} muted playsInline />;
}
