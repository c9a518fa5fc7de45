// Restart, release, delete: what is done to a camera rather than set.

import { useState } from 'preact/hooks';
import { api, type Result } from '../api.ts';
import type { CameraInfo } from '../api-types.ts';
import { dropCamera } from '../cameras.ts';
import { go, href } from '../router.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { ChoiceField, TextField } from './field.tsx';
import { Notice } from './notice.tsx';
import { notify } from './toasts.tsx';

const RELEASE_MINUTES = { min: 1, max: 1440, usual: 10 } as const;

export function CameraCare({ camera }: { camera: CameraInfo }) {
  const [busy, setBusy] = useState<'restart' | 'release' | null>(null);
  const [minutes, setMinutes] = useState(String(RELEASE_MINUTES.usual));
  const [deleting, setDeleting] = useState(false);

  async function run(what: 'restart' | 'release', done: string, call: () => Promise<Result<unknown>>) {
    setBusy(what);
    const result = await call();
    setBusy(null);
    if (result.ok) notify(done);
    else notify(result.error.message, 'bad');
  }

  return (
    <section class="card stack" aria-label="Care">
      <h2>Care</h2>
      <div class="row">
        <div class="grow">
          <p class="name">Restart the connection</p>
          <p class="hint">Says goodbye to the camera and calls it again.</p>
        </div>
        <Button
          icon="restart"
          busy={busy === 'restart'}
          onClick={() => void run('restart', 'The connection restarts.', () => api.restartCamera(camera.slug))}
        >
          Restart
        </Button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void run('release', `Perch stays away for ${minutes} min.`, () =>
            api.releaseCamera(camera.slug, Number(minutes)),
          );
        }}
      >
        <div class="grow">
          <p class="name">Lend it to the vendor's app</p>
          <p class="hint">Many cameras take one caller only. Perch says goodbye and comes back by itself.</p>
        </div>
        <div class="release">
          <TextField
            label="Minutes"
            type="number"
            required
            min={RELEASE_MINUTES.min}
            max={RELEASE_MINUTES.max}
            step={1}
            value={minutes}
            onValue={setMinutes}
          />
          <Button type="submit" icon="clock" busy={busy === 'release'}>
            Release
          </Button>
        </div>
      </form>
      <div class="row">
        <div class="grow">
          <p class="name">Delete this camera</p>
          <p class="hint">You choose what happens to its recordings.</p>
        </div>
        <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>
          Delete
        </Button>
      </div>
      {deleting && <DeleteDialog camera={camera} onClose={() => setDeleting(false)} />}
    </section>
  );
}

function DeleteDialog({ camera, onClose }: { camera: CameraInfo; onClose: () => void }) {
  const [recordings, setRecordings] = useState<'keep' | 'delete'>('keep');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function remove(event: Event) {
    event.preventDefault();
    setBusy(true);
    const result = await api.deleteCamera(camera.slug, recordings);
    setBusy(false);
    if (!result.ok) return setError(result.error.message);
    notify(`${camera.name} is deleted.`);
    go(href(), 'replace');
    dropCamera(camera.id);
  }
  return (
    <Dialog title={`Delete ${camera.name}?`} onClose={onClose}>
      <form class="stack" onSubmit={remove}>
        <ChoiceField
          label="Its recordings"
          value={recordings}
          options={[
            { value: 'keep', label: 'Keep', hint: "The files stay on the disk, in the camera's folder." },
            { value: 'delete', label: 'Delete', hint: 'All recordings of this camera are gone for good.' },
          ]}
          onValue={setRecordings}
        />
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="danger" icon="trash" busy={busy}>
            {recordings === 'keep' ? 'Delete camera' : 'Delete camera and recordings'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
