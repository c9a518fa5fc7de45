// The timeline: what every camera recorded, what is missing and why; playing, keeping and exporting it.

// The last one holds what changes on small screens.
import '../styles/timeline-rows.css';
import '../styles/timeline-side.css';
import '../styles/timeline.css';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { CameraInfo } from '../api-types.ts';
import { cameras, camerasError } from '../cameras.ts';
import { dayOf, spanOf } from '../day.ts';
import * as format from '../format.ts';
import { href, route } from '../router.ts';
import { isAdmin } from '../session.ts';
import { Calendar } from '../timeline/calendar.tsx';
import { ExportList, NewExport } from '../timeline/export-panel.tsx';
import { Exports } from '../timeline/exports.ts';
import { HoverCard } from '../timeline/hover.tsx';
import { hearKeys, KEYS } from '../timeline/keys.ts';
import { parsePlace } from '../timeline/place.ts';
import { lengthOf, zoomAround } from '../timeline/scale.ts';
import { SegmentPanel } from '../timeline/segment-panel.tsx';
import { spanBetween } from '../timeline/selection.ts';
import { Stage } from '../timeline/stage.tsx';
import { TimelineStore } from '../timeline/store.ts';
import { Tracks } from '../timeline/tracks.tsx';
import { Transport } from '../timeline/transport.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { useTitle } from '../ui/title.ts';

const ZOOM = 0.5;
const SELECTION_SHARE = 0.08;

export function TimelinePage() {
  const list = cameras.value;
  useTitle('Timeline');
  if (list === null) {
    return camerasError.value ? (
      <Notice kind="bad">{camerasError.value}</Notice>
    ) : (
      <Waiting what="Reading the cameras" />
    );
  }
  if (list.length === 0) {
    return (
      <>
        <div class="page-head">
          <h1>Timeline</h1>
        </div>
        <Empty icon="film" title="No cameras yet">
          <p>What is recorded appears here once there is a camera.</p>
          {isAdmin.value && (
            <ButtonLink href={href('add')} kind="primary" icon="plus">
              Add a camera
            </ButtonLink>
          )}
        </Empty>
      </>
    );
  }
  return <Timeline />;
}

function Timeline() {
  const { query } = route.value;
  const store = useMemo(() => new TimelineStore(parsePlace(query)), []);
  const exports = useMemo(() => new Exports(), []);
  useEffect(
    () => () => {
      store.stop();
      exports.stop();
    },
    [],
  );
  useEffect(() => hearKeys(store), []);
  const [opened] = useState(query);
  useEffect(() => {
    if (query !== opened) store.goTo(parsePlace(query));
  }, [query]);
  const camera = store.camera.value;
  const asked = store.cameraId.value;
  if (!camera) return null;
  const unknown = asked !== null && asked !== camera.id && asked !== camera.slug;
  return (
    <div class="tl-page" style={{ '--cameras': String(cameras.value?.length ?? 1) }}>
      <Head store={store} camera={camera} />
      {unknown && <Notice kind="warn">There is no camera “{asked}”, or your account may not see it.</Notice>}
      <div class="tl-layout">
        <div class="tl-main">
          <Stage store={store} camera={camera} />
          <Transport store={store} camera={camera} />
        </div>
        <Side store={store} exports={exports} camera={camera} />
        <section class="tl-card" aria-label="Timeline">
          <Tools store={store} camera={camera} />
          <Chosen store={store} />
          {store.rows.error.value && <Notice kind="bad">{store.rows.error.value}</Notice>}
          <div class="tl-scroll">
            <Tracks store={store} />
          </div>
          <NothingRecorded store={store} camera={camera} />
        </section>
      </div>
      <HoverCard />
    </div>
  );
}

function Head({ store, camera }: { store: TimelineStore; camera: CameraInfo }) {
  const [open, setOpen] = useState(false);
  const at = store.mode.value === 'recorded' ? store.position.value : store.now.value;
  const day = dayOf(at);
  const today = dayOf(store.now.value);
  return (
    <div class="page-head tl-head">
      <h1>Timeline</h1>
      <span class="tl-where">{camera.name}</span>
      <div class="actions">
        <Button icon="calendar" onClick={() => setOpen(true)} label="Choose a day">
          {day === today ? 'Today' : format.day(at)}
        </Button>
      </div>
      {open && (
        <Dialog title="Choose a day" onClose={() => setOpen(false)}>
          <Calendar
            camera={camera}
            day={day}
            today={today}
            onDay={(chosen) => {
              setOpen(false);
              const span = spanOf(chosen);
              store.lookAt(span);
              store.play(span.from, store.mode.peek() === 'live' || store.playing.peek());
              store.lookAt(span);
            }}
          />
        </Dialog>
      )}
    </div>
  );
}

function Tools({ store, camera }: { store: TimelineStore; camera: CameraInfo }) {
  const [help, setHelp] = useState(false);
  const view = store.view.value;
  function zoom(factor: number) {
    const at = store.mode.peek() === 'recorded' ? store.position.peek() : store.rows.now();
    const around = at >= view.from && at <= view.to ? at : (view.from + view.to) / 2;
    store.look(zoomAround(view, around, factor, store.limits()), around);
  }
  function toggleSelecting() {
    const selecting = !store.selecting.peek();
    store.selecting.value = selecting;
    if (!selecting) {
      store.selection.value = null;
    } else if (!store.selection.peek()) {
      // Something to take hold of, around what is shown.
      const now = store.rows.now();
      const at = store.mode.peek() === 'recorded' ? store.position.peek() : now;
      const length = lengthOf(view) * SELECTION_SHARE;
      store.select(spanBetween(at - length / 2, at + length / 2, now));
    }
  }
  return (
    <div class="tl-tools">
      <span class="tl-span numbers" aria-live="off">
        {format.duration(lengthOf(view))}
      </span>
      <Button kind="quiet" icon="minus" label="Zoom out" onClick={() => zoom(1 / ZOOM)} />
      <Button kind="quiet" icon="plus" label="Zoom in" onClick={() => zoom(ZOOM)} />
      <span class="tl-tools-end">
        <Button icon="scissors" pressed={store.selecting.value} onClick={toggleSelecting}>
          Export
        </Button>
        <span class="only-wide">
          <Button kind="quiet" icon="keys" label="Keys" onClick={() => setHelp(true)} />
        </span>
      </span>
      {help && (
        <Dialog title={`Keys on the timeline of ${camera.name}`} onClose={() => setHelp(false)}>
          <dl class="tl-keys">
            {KEYS.map(([key, what]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
          <p class="soft">
            Wheel: zoom. Shift and wheel, or drag: earlier and later. Shift and drag: choose what to export.
          </p>
        </Dialog>
      )}
    </div>
  );
}

/** On small screens the form for what was chosen is far below. */
function Chosen({ store }: { store: TimelineStore }) {
  const span = store.selection.value;
  if (!span) return null;
  return (
    <div class="tl-chosen">
      <span class="numbers">{format.duration(span.to - span.from)} chosen</span>
      <Button kind="primary" onClick={() => document.querySelector('.tl-new')?.scrollIntoView({ block: 'center' })}>
        Continue
      </Button>
    </div>
  );
}

/** Said when the chosen camera has nothing in view: an empty row alone may look like a fault. */
function NothingRecorded({ store, camera }: { store: TimelineStore; camera: CameraInfo }) {
  if (!store.rows.known.value) return <Waiting what="Reading the timeline" />;
  const { from, to } = store.view.value;
  const row = store.rows.row(camera.id);
  const seen = [...row.recorded, ...row.gaps].some((span) => span.to > from && span.from < to);
  if (seen) return null;
  return (
    <p class="soft tl-nothing">
      Nothing of {camera.name} was recorded in this part of the timeline.
      {camera.recording.mode === 'off' && ' Its recording is off.'}
      {camera.recording.mode === 'off' && isAdmin.value && (
        <>
          {' '}
          <a href={href('camera', camera.slug, 'edit')}>Switch on recording</a>
        </>
      )}
    </p>
  );
}

function Side({ store, exports, camera }: { store: TimelineStore; exports: Exports; camera: CameraInfo }) {
  const [tab, setTab] = useState<'recordings' | 'exports'>('recordings');
  const selection = store.selection.value;
  const busy = exports.jobs.value?.filter(({ state }) => state === 'queued' || state === 'running').length ?? 0;
  const shown = selection ? 'exports' : tab;
  const jobs = exports.jobs.value?.length ?? 0;
  // What begins or runs is shown without being looked for.
  useEffect(() => {
    if (selection || busy > 0) setTab('exports');
  }, [selection !== null, busy > 0]);
  return (
    <aside class="tl-side card" aria-label="Recordings and exports">
      <div class="tl-tabs" role="tablist">
        <Tab id="recordings" chosen={shown === 'recordings'} onChoose={setTab}>
          Recordings
        </Tab>
        <Tab id="exports" chosen={shown === 'exports'} onChoose={setTab}>
          Exports{jobs > 0 && ` (${jobs})`}
        </Tab>
      </div>
      <div class="tl-panel" role="tabpanel" aria-labelledby={`tl-tab-${shown}`}>
        {shown === 'recordings' ? (
          <SegmentPanel store={store} camera={camera} />
        ) : (
          <>
            {selection && <NewExport store={store} exports={exports} camera={camera} span={selection} />}
            <ExportList exports={exports} store={store} />
          </>
        )}
      </div>
    </aside>
  );
}

type TabProps<T extends string> = {
  readonly id: T;
  readonly chosen: boolean;
  readonly onChoose: (id: T) => void;
  readonly children: preact.ComponentChildren;
};

function Tab<T extends string>({ id, chosen, onChoose, children }: TabProps<T>) {
  return (
    <button type="button" role="tab" id={`tl-tab-${id}`} aria-selected={chosen} onClick={() => onChoose(id)}>
      {children}
    </button>
  );
}
