// Live pictures where WebSockets do not get through. The server itself draws a card on them when there is no signal.

import { useEffect, useRef } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import { urlOf } from '../base.ts';

const NEXT_MS = 1_000;
const AFTER_ERROR_MS = 5_000;

type Props = {
  readonly camera: CameraInfo;
  /** Multipart JPEG; otherwise a new snapshot each second, because browsers open only six connections to a host. */
  readonly moving: boolean;
};

export function PlainPicture({ camera, moving }: Props) {
  const image = useRef<HTMLImageElement>(null);
  const path = `cameras/${encodeURIComponent(camera.slug)}`;
  useEffect(() => {
    const element = image.current;
    if (!element) return;
    let timer: number | undefined;
    let count = 0;
    const load = () =>
      element.setAttribute(
        'src',
        urlOf(moving ? `${path}/mjpeg?source=main` : `${path}/snapshot.jpg?maxAge=10&n=${++count}`),
      );
    const next = (delayMs: number) => {
      clearTimeout(timer);
      timer = window.setTimeout(load, delayMs);
    };
    element.onload = () => moving || next(NEXT_MS);
    element.onerror = () => next(AFTER_ERROR_MS);
    load();
    return () => {
      clearTimeout(timer);
      element.onload = null;
      element.onerror = null;
      // An image that is only taken out of the page would keep its connection.
      element.removeAttribute('src');
    };
  }, [path, moving]);
  return <img ref={image} alt={camera.name} />;
}
