// All cameras at once, live.

import type { CameraInfo } from '../api-types.ts';
import { cameras, camerasError } from '../cameras.ts';
import { LivePicture } from '../players/live-picture.tsx';
import { href } from '../router.ts';
import { isAdmin } from '../session.ts';
import { ButtonLink } from '../ui/button.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { RecordingBadge, StatusBadge } from '../ui/status.tsx';
import { useTitle } from '../ui/title.ts';

const MANY = 4;
const MAX_COLUMNS = 5;

/** Shape of all tiles: the one that most cameras have, so that rows line up and nothing moves when pictures come. */
function ratioOf(list: readonly CameraInfo[]): number {
  const wide = list.filter(({ status }) => (status.width ?? 4) / (status.height || 3) > 1.5).length;
  return wide * 2 > list.length ? 16 / 9 : 4 / 3;
}

/** Columns for a number of pictures: 1, 2, 2, 2, 3... */
function columnsFor(count: number): number {
  return Math.min(MAX_COLUMNS, Math.max(1, Math.ceil(Math.sqrt(count))));
}

export function GridPage() {
  useTitle('Live');
  const list = cameras.value;
  return (
    <>
      <div class="page-head">
        <h1>Live</h1>
        {isAdmin.value && list && list.length > 0 && (
          <div class="actions">
            <ButtonLink href={href('add')} icon="plus">
              Add a camera
            </ButtonLink>
          </div>
        )}
      </div>
      {camerasError.value && <Notice kind="bad">{camerasError.value}</Notice>}
      {list === null ? (
        !camerasError.value && <Waiting what="Reading the cameras" />
      ) : list.length === 0 ? (
        <NoCameras />
      ) : (
        <Tiles list={list} />
      )}
    </>
  );
}

function NoCameras() {
  return isAdmin.value ? (
    <Empty icon="picture" title="Add your first camera">
      <p>Switch the camera on. Perch looks for it on your network and shows you its picture before you keep it.</p>
      <ButtonLink href={href('add')} kind="primary" icon="plus">
        Add a camera
      </ButtonLink>
    </Empty>
  ) : (
    <Empty icon="picture" title="No cameras yet">
      <p>Your account sees no cameras. An administrator can add one, or let you see one.</p>
    </Empty>
  );
}

function Tiles({ list }: { list: readonly CameraInfo[] }) {
  const size = list.length === 1 ? 'one' : list.length > MANY ? 'many' : 'few';
  return (
    <ul
      class={`grid ${size}`}
      style={{ '--ratio': String(ratioOf(list)), '--columns': String(columnsFor(list.length)) }}
    >
      {list.map((camera) => (
        <li key={camera.id}>
          <a class="tile" href={href('camera', camera.slug)} aria-label={`${camera.name}: open`}>
            <LivePicture camera={camera}>
              <span class="stage-foot">
                <span class="name">{camera.name}</span>
                <RecordingBadge status={camera.status} />
                <StatusBadge status={camera.status} />
              </span>
            </LivePicture>
          </a>
        </li>
      ))}
    </ul>
  );
}
