// What was recorded: a camera, a day, the day's strip, the list, and the player.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, Segment } from '../api-types.ts';
import { cameraOf, cameras } from '../cameras.ts';
import { type Day, dayAfter, dayOf, parseDay, spanOf } from '../day.ts';
import * as format from '../format.ts';
import { go, href } from '../router.ts';
import { useSegments } from '../segments.ts';
import { isAdmin } from '../session.ts';
import { Button, ButtonLink } from '../ui/button.tsx';
import { DayStrip } from '../ui/day-strip.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { SegmentList } from '../ui/segment-list.tsx';
import { SegmentPlayer } from '../ui/segment-player.tsx';
import { useTitle } from '../ui/title.ts';

export function RecordingsPage({ camera: ref, day: dayText }: { camera: string | undefined; day: string | undefined }) {
  const list = cameras.value;
  const camera = ref === undefined ? list?.[0] : cameraOf(ref);
  const day = parseDay(dayText) ?? dayOf(Date.now());
  useTitle(camera ? `${camera.name}: recordings` : 'Recordings');
  if (list === null) return <Waiting what="Reading the cameras" />;
  return (
    <>
      <div class="page-head">
        <h1>Recordings</h1>
      </div>
      {!camera ? (
        <Empty icon="film" title={ref === undefined ? 'No cameras yet' : 'No such camera'}>
          <p>
            {ref === undefined
              ? 'Recordings appear here once a camera is added.'
              : 'It was removed, or your account may not see it.'}
          </p>
        </Empty>
      ) : (
        <>
          <div class="filters">
            <SelectField
              label="Camera"
              value={camera.slug}
              options={list.map(({ slug, name }) => ({ value: slug, label: name }))}
              onValue={(slug) => go(href('recordings', slug, day), 'replace')}
            />
            <DayPicker day={day} onDay={(next) => go(href('recordings', camera.slug, next), 'replace')} />
          </div>
          <DayOfCamera camera={camera} day={day} key={`${camera.id} ${day}`} />
        </>
      )}
    </>
  );
}

function DayPicker({ day, onDay }: { day: Day; onDay: (day: Day) => void }) {
  const today = dayOf(Date.now());
  return (
    <div class="day-steps">
      <Button icon="back" label="The day before" onClick={() => onDay(dayAfter(day, -1))} />
      <TextField label="Day" type="date" value={day} onValue={(value) => parseDay(value) && onDay(value)} />
      <Button icon="next" label="The day after" disabled={day >= today} onClick={() => onDay(dayAfter(day, 1))} />
    </div>
  );
}

function DayOfCamera({ camera, day }: { camera: CameraInfo; day: Day }) {
  const { segments, cut, error, drop } = useSegments(camera.slug, day);
  const [removing, setRemoving] = useState<Segment | null>(null);
  const [atEnd, setAtEnd] = useState(false);

  const [playing, setPlaying] = useState<{
    readonly id: string;
    readonly offsetMs: number;
    readonly count: number;
  } | null>(null);
  const [position, setPosition] = useState<number | null>(null);

  useEffect(() => {
    if (atEnd) next();
  }, [segments]);

  if (error && !segments) return <Notice kind="bad">{error}</Notice>;
  if (!segments) return <Waiting what="Reading the recordings" />;
  if (segments.length === 0) return <NothingRecorded camera={camera} day={day} />;

  const current = segments.find((segment) => segment.id === playing?.id);
  function play(segment: Segment, offsetMs = 0) {
    setPlaying((before) => ({ id: segment.id, offsetMs, count: (before?.count ?? 0) + 1 }));
  }

  /** The recording at a moment, else the next one after it. */
  function playAt(at: number) {
    const closed = segments?.filter((segment) => !segment.open) ?? [];
    const segment = closed.find(({ end }) => Date.parse(end) > at) ?? closed.at(-1);
    if (segment) play(segment, Math.max(0, Math.min(at - Date.parse(segment.start), segment.durationMs - 500)));
  }

  /** Goes on with the recording after this one; at the newest, as soon as there is one. */
  function next() {
    const index = segments?.findIndex((segment) => segment.id === playing?.id) ?? -1;
    const following = index < 0 ? undefined : segments?.[index + 1];
    setAtEnd(!following || following.open);
    if (following && !following.open) play(following);
  }

  const total = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  return (
    <>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="watch">
        <div>
          <SegmentPlayer
            segment={current ?? null}
            offsetMs={playing?.offsetMs ?? 0}
            play={playing?.count ?? 0}
            onPosition={setPosition}
            onPlay={() => setAtEnd(false)}
            onEnded={next}
            onDelete={isAdmin.value && current ? () => setRemoving(current) : undefined}
          />
          <DayStrip day={day} segments={segments} position={position} onPick={playAt} />
        </div>
        <section class="card list-card" aria-label="Recordings of this day">
          <p class="soft small list-sum">
            {format.count(segments.length)} {segments.length === 1 ? 'recording' : 'recordings'}, {format.bytes(total)}
            {cut && '. Only the first part of this day is listed.'}
          </p>
          <SegmentList segments={segments} playing={playing?.id ?? null} onPlay={(segment) => play(segment)} />
        </section>
      </div>
      {removing && (
        <DeleteDialog
          segment={removing}
          onClose={() => setRemoving(null)}
          onDone={() => {
            setRemoving(null);
            setPlaying(null);
            drop(removing.id);
          }}
        />
      )}
    </>
  );
}

type DeleteProps = { readonly segment: Segment; readonly onClose: () => void; readonly onDone: () => void };

function DeleteDialog({ segment, onClose, onDone }: DeleteProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function remove() {
    setBusy(true);
    const result = await api.deleteSegment(segment.id);
    setBusy(false);
    if (result.ok) onDone();
    else setError(result.error.message);
  }
  return (
    <Dialog title="Delete this recording?" onClose={onClose}>
      <p>
        {format.instant(segment.start)}, {format.duration(segment.durationMs)}. It is gone for good.
      </p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" icon="trash" busy={busy} onClick={() => void remove()}>
          Delete recording
        </Button>
      </div>
    </Dialog>
  );
}

function NothingRecorded({ camera, day }: { camera: CameraInfo; day: Day }) {
  return (
    <Empty icon="film" title={`Nothing recorded on ${format.day(spanOf(day).from)}`}>
      {camera.recording.mode === 'off' ? (
        <>
          <p>Recording of {camera.name} is off.</p>
          {isAdmin.value && (
            <ButtonLink href={href('camera', camera.slug, 'edit')} kind="primary" icon="settings">
              Switch on recording
            </ButtonLink>
          )}
        </>
      ) : (
        <p>
          <Icon name="clock" /> A recording appears here as soon as its file is closed.
        </p>
      )}
    </Empty>
  );
}
