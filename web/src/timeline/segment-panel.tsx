// The recordings of the day that is shown: to play, keep, download or delete one by one.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, Segment } from '../api-types.ts';
import { dayOf } from '../day.ts';
import * as format from '../format.ts';
import { useSegments } from '../segments.ts';
import { isAdmin } from '../session.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Notice, Waiting } from '../ui/notice.tsx';
import { SegmentList } from '../ui/segment-list.tsx';
import { notify } from '../ui/toasts.tsx';
import type { TimelineStore } from './store.ts';

export function SegmentPanel({ store, camera }: { store: TimelineStore; camera: CameraInfo }) {
  const at = store.mode.value === 'recorded' ? store.position.value : store.now.value;
  const day = dayOf(at);
  return <DayPanel store={store} camera={camera} day={day} key={`${camera.id} ${day}`} />;
}

type DayProps = { readonly store: TimelineStore; readonly camera: CameraInfo; readonly day: string };

function DayPanel({ store, camera, day }: DayProps) {
  const { segments, cut, error, drop, change } = useSegments(camera.slug, day);
  const [removing, setRemoving] = useState<Segment | null>(null);
  const recorded = store.mode.value === 'recorded';
  const at = store.position.value;
  if (error && !segments) return <Notice kind="bad">{error}</Notice>;
  if (!segments) return <Waiting what="Reading the recordings" />;
  const when = dayOf(Date.now()) === day ? 'today' : `on ${format.day(`${day}T12:00:00`)}`;
  if (segments.length === 0) {
    return (
      <p class="soft tl-empty">
        Nothing of {camera.name} was recorded {when}.
      </p>
    );
  }
  const current = recorded
    ? segments.find(({ start, end }) => Date.parse(start) <= at && at < Date.parse(end))
    : undefined;
  const total = segments.reduce((sum, segment) => sum + segment.bytes, 0);

  async function protect(segment: Segment) {
    const result = await api.protectSegment(segment.id, !segment.protected);
    if (!result.ok) return notify(result.error.message, 'bad');
    change(result.value);
    notify(result.value.protected ? 'Kept until you say otherwise.' : 'May be deleted when its time has come.');
  }

  return (
    <>
      {error && <Notice kind="bad">{error}</Notice>}
      <p class="soft small list-sum">
        {format.count(segments.length)} {segments.length === 1 ? 'recording' : 'recordings'} {when},{' '}
        {format.bytes(total)}
        {cut && '. Only the first part of this day is listed.'}
      </p>
      <SegmentList
        segments={segments}
        playing={current?.id ?? null}
        onPlay={(segment) => store.playRecorded(Date.parse(segment.start))}
        onProtect={isAdmin.value ? (segment) => void protect(segment) : undefined}
        onDelete={isAdmin.value ? setRemoving : undefined}
      />
      {removing && (
        <DeleteDialog
          segment={removing}
          onClose={() => setRemoving(null)}
          onDone={() => {
            setRemoving(null);
            drop(removing.id);
            store.rows.reload();
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
  useEffect(() => setError(null), [segment.id]);
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
        {segment.protected && ' It was marked to be kept.'}
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
