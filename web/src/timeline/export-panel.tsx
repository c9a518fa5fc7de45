// From a chosen span to a file: length, size and free space first, then progress, then the download. And all exports.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, ExportEstimate, ExportJob } from '../api-types.ts';
import { urlOf } from '../base.ts';
import * as format from '../format.ts';
import { isAdmin, session } from '../session.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { notify } from '../ui/toasts.tsx';
import type { Exports } from './exports.ts';
import { spanText } from './gap-text.ts';
import { localText, parseLocal, spanBetween } from './selection.ts';
import type { Span } from './spans.ts';
import type { TimelineStore } from './store.ts';

const ASK_AFTER_MS = 250;

type Asked =
  | { readonly kind: 'asking' }
  | { readonly kind: 'estimate'; readonly estimate: ExportEstimate }
  | { readonly kind: 'error'; readonly message: string };

/** What an export would take, asked when the span rests. */
function useEstimate(camera: CameraInfo, { from, to }: Span): Asked {
  const [asked, setAsked] = useState<Asked>({ kind: 'asking' });
  useEffect(() => {
    const abort = new AbortController();
    setAsked((before) => (before.kind === 'estimate' ? before : { kind: 'asking' }));
    const timer = setTimeout(async () => {
      const span = { camera: camera.slug, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      const result = await api.estimateExport(span, abort.signal);
      if (abort.signal.aborted) return;
      if (result.ok) setAsked({ kind: 'estimate', estimate: result.value });
      else setAsked({ kind: 'error', message: result.error.message });
    }, ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [camera.id, from, to]);
  return asked;
}

type NewProps = {
  readonly store: TimelineStore;
  readonly exports: Exports;
  readonly camera: CameraInfo;
  readonly span: Span;
};

/** The chosen span, and the button that makes a file of it. */
export function NewExport({ store, exports, camera, span }: NewProps) {
  const asked = useEstimate(camera, span);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => setError(null), [span.from, span.to, camera.id]);
  const tight = asked.kind === 'estimate' && asked.estimate.neededBytes > asked.estimate.bytesFree;

  async function start() {
    setBusy(true);
    const iso = (at: number) => new Date(at).toISOString();
    const result = await exports.add({ camera: camera.slug, from: iso(span.from), to: iso(span.to) });
    setBusy(false);
    if (!result.ok) return setError(result.error.message);
    store.selection.value = null;
    store.selecting.value = false;
    notify('The export has begun.');
  }

  return (
    <section class="tl-new" aria-label="New export">
      <div class="tl-new-head">
        <h2>Export from {camera.name}</h2>
        <Button
          kind="quiet"
          icon="close"
          label="Do not export"
          onClick={() => {
            store.selection.value = null;
            store.selecting.value = false;
          }}
        />
      </div>
      <div class="tl-ends">
        <End
          label="From"
          at={span.from}
          onAt={(at) => store.select(spanBetween(at, Math.max(at, span.to), store.rows.now()))}
        />
        <End
          label="To"
          at={span.to}
          onAt={(at) => store.select(spanBetween(Math.min(at, span.from), at, store.rows.now()))}
        />
      </div>
      <p class="numbers">
        {format.duration(span.to - span.from)}
        {asked.kind === 'estimate' && (
          <>
            {' · '}about {format.bytes(asked.estimate.bytes)}
            <span class="soft"> · {format.bytes(asked.estimate.bytesFree)} free</span>
          </>
        )}
        {asked.kind === 'asking' && <span class="soft"> · asking for the size</span>}
      </p>
      {asked.kind === 'error' && <Notice kind="bad">{asked.message}</Notice>}
      {tight && <Notice kind="bad">There is not enough free space for this export.</Notice>}
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="actions">
        <Button
          kind="primary"
          icon="scissors"
          busy={busy}
          disabled={asked.kind !== 'estimate' || tight}
          onClick={() => void start()}
        >
          Start export
        </Button>
        <Button icon="play" onClick={() => store.play(span.from)}>
          Watch it
        </Button>
      </div>
    </section>
  );
}

function End({ label, at, onAt }: { label: string; at: number; onAt: (at: number) => void }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="datetime-local"
        step="1"
        value={localText(at)}
        onChange={(event) => {
          const next = parseLocal(event.currentTarget.value);
          if (next === null) event.currentTarget.value = localText(at);
          else onAt(next);
        }}
      />
    </label>
  );
}

/** All exports, newest first. */
export function ExportList({ exports, store }: { exports: Exports; store: TimelineStore }) {
  const jobs = exports.jobs.value;
  const error = exports.error.value;
  return (
    <>
      {error && <Notice kind="bad">{error}</Notice>}
      {jobs?.length === 0 && (
        <p class="soft tl-empty">
          No exports yet. Choose <em>Export</em> above the timeline and drag over what you want to keep, or drag with
          the Shift key.
        </p>
      )}
      <ul class="rows">
        {jobs?.map((job) => (
          <ExportLine key={job.id} job={job} exports={exports} store={store} />
        ))}
      </ul>
    </>
  );
}

function ExportLine({ job, exports, store }: { job: ExportJob; exports: Exports; store: TimelineStore }) {
  const [busy, setBusy] = useState(false);
  const span = { from: Date.parse(job.from), to: Date.parse(job.to) };
  const text = `${format.day(span.from)}, ${spanText(span)}`;
  const running = job.state === 'queued' || job.state === 'running';
  const state = session.value;
  const mine = isAdmin.value || (state.kind === 'signedIn' && state.user.username === job.createdBy);
  async function remove() {
    setBusy(true);
    const result = await exports.remove(job.id);
    setBusy(false);
    if (!result.ok && result.error.status !== 404) notify(result.error.message, 'bad');
  }
  return (
    <li class="row tl-export">
      <button
        type="button"
        class="grow tl-export-what"
        title="Show on the timeline"
        onClick={() => {
          const margin = (span.to - span.from) / 2;
          store.cameraId.value = job.camera;
          store.lookAt({ from: span.from - margin, to: span.to + margin });
        }}
      >
        <span class="name">{job.name}</span>
        <span class="soft small numbers">{text}</span>
      </button>
      {job.state === 'done' && (
        <ButtonLink
          href={urlOf(`api/exports/${encodeURIComponent(job.id)}/media`)}
          kind="quiet"
          icon="download"
          label={`Download ${text}`}
          download
        />
      )}
      {mine && (
        <Button
          kind="quiet"
          icon={running ? 'stop' : 'trash'}
          label={running ? `Cancel ${text}` : `Delete ${text}`}
          busy={busy}
          onClick={() => void remove()}
        />
      )}
      <ExportState job={job} />
    </li>
  );
}

function ExportState({ job }: { job: ExportJob }) {
  switch (job.state) {
    case 'done':
      return (
        <span class="soft small tl-export-state">
          {format.duration(Date.parse(job.to) - Date.parse(job.from))} · {format.bytes(job.bytes)}
        </span>
      );
    case 'failed':
      return <ExportFailure error={job.error} />;
    case 'queued':
      return <span class="soft small tl-export-state">Waits for its turn</span>;
    case 'running':
      return (
        <span class="tl-export-state">
          <progress max="100" value={job.progress} aria-label="Progress" />
          <span class="soft small numbers">
            {job.progress} %{job.secondsLeft !== null && `, about ${format.duration(job.secondsLeft * 1000)} left`}
          </span>
        </span>
      );
  }
}

/** What went wrong in Perch's own words; of other failures ffmpeg's words are for those who look into it. */
const OWN_WORDS = new Set(['bad_input', 'not_found', 'conflict', 'exhausted']);

function ExportFailure({ error }: Pick<ExportJob, 'error'>) {
  const isOurs = error !== null && OWN_WORDS.has(error.code);
  return (
    <span class="tl-export-failure small">
      <span class="bad-text">
        Failed:{' '}
        {isOurs
          ? error.message
          : 'these recordings could not be joined. Try a shorter span, or download them one by one.'}
      </span>
      {error && !isOurs && <span class="soft">{error.message}</span>}
    </span>
  );
}
