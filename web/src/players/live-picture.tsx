// One camera's live picture: a canvas fed by the socket, and over it, in words, why there is none or why it is old.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import * as format from '../format.ts';
import { stateSentence, stateWord } from '../ui/status.tsx';
import { failed, failuresWith, mayTry, noFailures } from './failures.ts';
import { liveMode, liveOpen, watch } from './live.ts';
import { LiveVideo } from './live-video.tsx';
import { mediaSource } from './mse-player.ts';
import { NativeHls, playsHls } from './native-hls.tsx';
import { PlainPicture } from './plain-picture.tsx';
import { nextTile, stillLimitMs, type TileEvent, type TileState } from './tile-machine.ts';

const TICK_MS = 1_000;
// Widths are asked for in steps, so that tiles of nearly one size share the server's work.
const WIDTH_STEP = 160;
const MAX_PIXEL_RATIO = 2;
/** Pictures begin a little before they are scrolled into sight. */
const NEAR: IntersectionObserverInit = { rootMargin: '200px 0px' };

type Props = {
  readonly camera: CameraInfo;
  /** The whole picture in full size; otherwise only as large as the tile needs. */
  readonly large?: boolean;
  readonly children?: ComponentChildren;
};

/** Whether the element is on screen, in a tab that is looked at. */
function useOnScreen(target: { readonly current: HTMLElement | null }): boolean {
  const [onScreen, setOnScreen] = useState(false);
  useEffect(() => {
    let near = false;
    const update = () => setOnScreen(near && document.visibilityState === 'visible');
    const observer = new IntersectionObserver((entries) => {
      near = entries.at(-1)?.isIntersecting ?? false;
      update();
    }, NEAR);
    if (target.current) observer.observe(target.current);
    document.addEventListener('visibilitychange', update);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', update);
    };
  }, []);
  return onScreen;
}

/** The camera as its small pictures are: those of the second source while they are shown. */
function smallView(camera: CameraInfo): CameraInfo {
  const { sub } = camera.status;
  if (!sub?.shown) return camera;
  const { codec, width, height, frameRate, lastFrameAt } = sub;
  return { ...camera, status: { ...camera.status, state: 'live', codec, width, height, frameRate, lastFrameAt } };
}

export function LivePicture({ camera: whole, large = false, children }: Props) {
  const camera = large ? whole : smallView(whole);
  const source = large ? 'main' : 'sub';
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const newest = useRef<TileState>({ kind: 'blank' });
  const [tile, setTile] = useState<TileState>(newest.current);
  const onScreen = useOnScreen(stage);
  const plain = liveMode.value === 'plain';
  const isLive = camera.status.state === 'live';
  const [failures, setFailures] = useState(noFailures);
  const { codec } = camera.status;
  const isCoded = codec === 'h264' || codec === 'h265';
  // A player that was there before the codec changed fails with the one that there is now.
  const codecNow = useRef(codec);
  codecNow.current = codec;
  const onFailed = (reason: 'codec' | 'broken') => setFailures((before) => failed(before, codecNow.current, reason));
  const tryIt = mayTry(failures, codec);
  const canPlay = mediaSource() !== null && tryIt;
  const video = isCoded && canPlay && !plain;
  // Not for tiles: they are small, many, and should be close to now.
  const hls = isCoded && !plain && large && mediaSource() === null && tryIt && playsHls();
  // Twenty pictures a second need no twenty renderings: only what the words and the look depend on does.
  const step = (event: TileEvent) => {
    const before = newest.current;
    newest.current = nextTile(before, event);
    if (newest.current.kind !== before.kind || newest.current.kind === 'stale') setTile(newest.current);
  };

  useEffect(() => {
    if (!onScreen || plain || video || hls) return;
    const end = watch({
      camera: camera.slug,
      source,
      width: large ? null : usefulWidth(stage.current?.clientWidth ?? 0, camera.status.width),
      onPicture(picture, { takenAt, old }) {
        draw(canvas.current, picture);
        step({ kind: 'picture', shownAt: performance.now(), takenAt, old });
      },
      onLost: () => step({ kind: 'lost' }),
    });
    return () => {
      end();
      // Whoever looks again sees at once that this picture is from before.
      step({ kind: 'lost' });
    };
  }, [camera.slug, onScreen, plain, large, video, hls]);

  useEffect(() => {
    if (!isLive) step({ kind: 'lost' });
  }, [isLive]);

  const limitMs = stillLimitMs(camera.status.frameRate);
  useEffect(() => {
    const timer = setInterval(() => step({ kind: 'tick', at: performance.now(), limitMs }), TICK_MS);
    return () => clearInterval(timer);
  }, [limitMs]);

  return (
    <div class={`stage ${plain ? 'plain' : tile.kind}`} ref={stage} data-picture={plain ? 'plain' : tile.kind}>
      {plain ? (
        onScreen && <PlainPicture camera={camera} moving={large} />
      ) : (
        <>
          {video ? (
            onScreen && (
              <LiveVideo
                key={`${camera.slug} ${failuresWith(failures, codec)}`}
                slug={camera.slug}
                source={source}
                name={camera.name}
                sound={large}
                onPicture={(takenAt) => step({ kind: 'picture', shownAt: performance.now(), takenAt, old: false })}
                onLost={() => step({ kind: 'lost' })}
                onFailed={onFailed}
              />
            )
          ) : hls ? (
            onScreen && (
              <NativeHls
                slug={camera.slug}
                name={camera.name}
                onPicture={(takenAt) => step({ kind: 'picture', shownAt: performance.now(), takenAt, old: false })}
                onLost={() => step({ kind: 'lost' })}
                onFailed={() => onFailed('codec')}
              />
            )
          ) : (
            <canvas ref={canvas} role="img" aria-label={`Live picture of ${camera.name}`} width={4} height={3} />
          )}
          {isCoded && !video && !hls && large && (
            <p class="stage-note">
              This browser cannot play {codec === 'h264' ? 'H.264' : 'H.265'}: single pictures instead.
            </p>
          )}
          {tile.kind !== 'moving' && <Message camera={camera} tile={tile} watching={onScreen} />}
        </>
      )}
      {children}
    </div>
  );
}

/** What to ask for. Shrinking costs the server a decode and an encode, so it must save more than half of the width. */
function usefulWidth(cssPixels: number, cameraWidth: number | null): number | null {
  if (cssPixels <= 0 || cameraWidth === null) return null;
  const pixels = cssPixels * Math.min(MAX_PIXEL_RATIO, devicePixelRatio || 1);
  const width = Math.ceil(pixels / WIDTH_STEP) * WIDTH_STEP;
  return width * 2 < cameraWidth ? width : null;
}

function draw(canvas: HTMLCanvasElement | null, picture: ImageBitmap): void {
  if (!canvas) return;
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
}

function Message({ camera, tile, watching }: { camera: CameraInfo; tile: TileState; watching: boolean }) {
  const { status } = camera;
  const lastAt = tile.kind === 'stale' ? tile.since : status.lastFrameAt;
  const since = lastAt ? `No signal since ${format.moment(lastAt)}` : null;
  if (status.state !== 'live') {
    const away = status.state === 'backingOff' && since ? since : stateWord(status).word;
    return (
      <div class="stage-message">
        <strong>{away}</strong>
        <span>{stateSentence(camera)}</span>
      </div>
    );
  }
  if (tile.kind === 'stale' && !watching) {
    return (
      <div class="stage-message">
        <strong>Paused</strong>
      </div>
    );
  }
  if (tile.kind === 'stale') {
    return (
      <div class="stage-message">
        <strong>{since}</strong>
        <span>
          {liveOpen.value ? 'Waiting for the next picture.' : 'The connection to Perch is lost. Trying again.'}
        </span>
      </div>
    );
  }
  return (
    <div class="stage-message first">
      <span class="spinner" aria-hidden="true" />
      <span>Waiting for the first picture</span>
    </div>
  );
}
