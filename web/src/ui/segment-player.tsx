// Plays one recording; tells where it is as wall time, and when it ended.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Segment } from '../api-types.ts';
import { urlOf } from '../base.ts';
import * as format from '../format.ts';
import { Button, ButtonLink } from './button.tsx';
import { Icon } from './icons.tsx';

/** The file itself. */
export function mediaUrl(segment: Segment): string {
  return urlOf(`api/segments/${encodeURIComponent(segment.id)}/media`);
}

/** The same, to be saved. */
export function downloadUrl(segment: Segment): string {
  return `${mediaUrl(segment)}?download=true`;
}

/** What a browser can play: the file, or an MP4 that is made of it on the way, which begins where it is told to. */
function sourceOf(segment: Segment, offsetMs: number): { readonly url: string; readonly beginMs: number } {
  if (segment.format !== 'mjpeg') return { url: mediaUrl(segment), beginMs: 0 };
  const url = urlOf(`api/segments/${encodeURIComponent(segment.id)}/play.mp4`);
  return { url: offsetMs > 0 ? `${url}?from=${(offsetMs / 1000).toFixed(1)}` : url, beginMs: offsetMs };
}

type Props = {
  readonly segment: Segment | null;
  readonly offsetMs: number;
  /** Grows with each wish to play, so that the same recording can be asked for again. */
  readonly play: number;
  readonly onPosition: (at: number | null) => void;
  readonly onPlay: () => void;
  readonly onEnded: () => void;
  /** Absent for who may not. */
  readonly onDelete?: (() => void) | undefined;
};

export function SegmentPlayer({ segment, offsetMs, play, onPosition, onPlay, onEnded, onDelete }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [broken, setBroken] = useState(false);
  const { url, beginMs } = segment ? sourceOf(segment, offsetMs) : { url: null, beginMs: 0 };

  useEffect(() => {
    const element = video.current;
    if (!element || !url) return;
    setBroken(false);
    if (element.getAttribute('src') !== url) element.src = url;
    element.currentTime = (offsetMs - beginMs) / 1000;
    void element.play().catch(() => {}); // a browser may want a touch first: its own controls are there
  }, [url, play]);

  // The element lives longer than one recording, but lets go of its connection when it leaves.
  useEffect(() => {
    const element = video.current;
    return () => {
      element?.removeAttribute('src');
      element?.load();
    };
  }, []);

  return (
    <>
      <div class="film">
        <video
          ref={video}
          controls
          playsInline
          muted
          preload="metadata"
          hidden={!segment}
          aria-label={segment ? `Recording of ${format.instant(segment.start)}` : 'No recording chosen'}
          onTimeUpdate={(event) =>
            segment && onPosition(Date.parse(segment.start) + beginMs + event.currentTarget.currentTime * 1000)
          }
          onPlay={onPlay}
          onEnded={onEnded}
          onError={() => setBroken(true)}
        />
        {!segment && <p>Choose a recording</p>}
      </div>
      <div class="film-foot">
        {segment && (
          <>
            <strong class="numbers">{format.instant(segment.start)}</strong>
            <span class="soft small">
              {format.duration(segment.durationMs)} · {format.bytes(segment.bytes)}
            </span>
            <span class="actions">
              {onDelete && <Button kind="quiet" icon="trash" label="Delete this recording" onClick={onDelete} />}
              <ButtonLink href={downloadUrl(segment)} icon="download" download>
                Download
              </ButtonLink>
            </span>
          </>
        )}
        {broken && (
          <span class="bad-text" role="alert">
            <Icon name="warn" /> The browser cannot play this file. Download it instead.
          </span>
        )}
      </div>
    </>
  );
}
