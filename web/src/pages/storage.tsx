// What the recordings take, and how long the disk lasts.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { Storage, StorageCamera } from '../api-types.ts';
import { cameraOf } from '../cameras.ts';
import * as format from '../format.ts';
import { isAdmin } from '../session.ts';
import { placeHash } from '../timeline/place.ts';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { daysText, limitSentences } from '../ui/rehearsal.tsx';
import { StorageLimits } from '../ui/storage-limits.tsx';
import { StoragePlot } from '../ui/storage-plot.tsx';
import { useTitle } from '../ui/title.ts';

const REFRESH_MS = 15_000;
const PLOT_DAYS = 30;

const states: Readonly<Record<Exclude<Storage['state'], 'ok'>, string>> = {
  full: 'The disk is full: nothing is recorded. Recording goes on by itself when there is room.',
  missing: 'The storage is not there: nothing is recorded. Recording goes on by itself when it is back.',
  readOnly: 'The storage cannot be written: nothing is recorded. Recording goes on by itself when it can.',
};

export function StoragePage() {
  useTitle('Storage');
  const [storage, setStorage] = useState<Storage | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let ended = false;
    async function load() {
      const result = await api.storage(PLOT_DAYS);
      if (ended) return;
      if (result.ok) setStorage(result.value);
      setError(result.ok ? null : result.error.message);
    }
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => {
      ended = true;
      clearInterval(timer);
    };
  }, []);
  return (
    <>
      <div class="page-head">
        <h1>Storage</h1>
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      {storage && storage.state !== 'ok' && <Notice kind="bad">{storage.message ?? states[storage.state]}</Notice>}
      {storage ? <Figures storage={storage} /> : !error && <Waiting what="Reading the figures" />}
    </>
  );
}

function Figures({ storage }: { storage: Storage }) {
  const total = storage.bytesTotal;
  const perDay = storage.cameras.reduce((sum, camera) => sum + (camera.bytesPerDay ?? 0), 0);
  const list = [...storage.cameras].sort((a, b) => b.bytes - a.bytes);
  const largest = Math.max(1, ...list.map((camera) => camera.bytes));
  return (
    <div class="stack">
      <section class="card figures" aria-label="Disk">
        <div class="figure">
          <span class="soft">Recordings</span>
          <strong>{format.bytes(storage.bytesUsed)}</strong>
        </div>
        <div class="figure">
          <span class="soft">Free on the disk</span>
          <strong>{format.bytes(storage.bytesFree)}</strong>
        </div>
        {perDay > 0 && (
          <div class="figure">
            <span class="soft">All cameras, a day</span>
            <strong>{format.bytes(perDay)}</strong>
          </div>
        )}
        <Meter part={total > 0 ? storage.bytesUsed / total : 0} label="Part of the disk that recordings take" />
      </section>
      {isAdmin.value && <StorageLimits />}
      {list.length === 0 ? (
        <Empty icon="disk" title="Nothing recorded yet">
          <p>Switch on recording in a camera's settings; what it takes is shown here.</p>
        </Empty>
      ) : (
        <section class="card" aria-label="By camera">
          <h2>By camera</h2>
          <div class="rows">
            {list.map((camera) => (
              <div class="row" key={camera.slug}>
                <CameraFigures camera={camera} />
                <span class="numbers">{format.bytes(camera.bytes)}</span>
                <Meter part={camera.bytes / largest} label={`Size beside the largest: ${camera.slug}`} />
                <StoragePlot days={PLOT_DAYS} camera={camera} name={cameraOf(camera.slug)?.name ?? camera.slug} />
              </div>
            ))}
          </div>
        </section>
      )}
    </div>
  );
}

function CameraFigures({ camera }: { camera: StorageCamera }) {
  const { slug, segments, oldest, bytesPerDay, daysLeft, keepsDays, limitedBy, displaced } = camera;
  return (
    <span class="grow">
      <a class="name" href={placeHash({ camera: slug, at: null, spanMs: null })}>
        {cameraOf(slug)?.name ?? slug}
      </a>
      <br />
      <span class="soft small">
        {format.count(segments)} {segments === 1 ? 'recording' : 'recordings'}
        {oldest && `, since ${format.moment(oldest)}`}
        {bytesPerDay ? `, ${format.bytes(bytesPerDay)} a day` : ''}
        {keepsDays !== null && limitedBy && `, kept ${daysText(keepsDays)} ${limitSentences[limitedBy]}`}
        {daysLeft !== null && limitedBy !== 'days' && `, room for ${daysText(daysLeft)} more`}
      </span>
      {displaced && displaced.segments > 0 && (
        <>
          <br />
          <span class="soft small">{displacedSentence(displaced)}</span>
        </>
      )}
    </span>
  );
}

/** Why some recordings are on no timeline. */
function displacedSentence({ segments, bytes }: NonNullable<StorageCamera['displaced']>): string {
  const which = `${format.count(segments)} of them (${format.bytes(bytes)}) ${segments === 1 ? 'is' : 'are'}`;
  return `${which} on no timeline: the clock was set back, and newer recordings have that time now.`;
}

/** A bar; its width is set through the DOM, which the content policy allows. */
function Meter({ part, label }: { part: number; label: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, part)) * 100);
  return (
    <div class="meter" role="img" aria-label={`${label}: ${percent} %`}>
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}
