// The traffic of a camera as a file for a bug report: what will be in it is said first.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api, fetchMedia } from '../api.ts';
import type { CameraInfo } from '../api-types.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { CheckField, ChoiceField } from './field.tsx';
import { Notice } from './notice.tsx';
import { notify } from './toasts.tsx';

const LENGTHS = ['10', '30', '60'] as const;
/** The file comes after the recording. */
const SPARE_MS = 30_000;
const SECOND_MS = 1000;

export function CaptureDialog({ camera, onClose }: { camera: CameraInfo; onClose: () => void }) {
  const [seconds, setSeconds] = useState<(typeof LENGTHS)[number]>('10');
  const [anew, setAnew] = useState(true);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);
  useEffect(() => () => abort.current?.abort(), []);

  async function record(event: Event) {
    event.preventDefault();
    const controller = new AbortController();
    abort.current = controller;
    setBusy(true);
    setError(null);
    const path = `api/cameras/${encodeURIComponent(camera.slug)}/capture?seconds=${seconds}`;
    const waiting = fetchMedia(path, null, controller.signal, Number(seconds) * SECOND_MS + SPARE_MS);
    // Its beginning is what a report is mostly about.
    if (anew) void api.restartCamera(camera.slug);
    const result = await waiting;
    if (controller.signal.aborted) return;
    setBusy(false);
    if (!result.ok) return setError(result.message);
    save(result.bytes, `${camera.slug}.pcapng`);
    notify('The recording is saved.');
    onClose();
  }

  return (
    <Dialog title="Record traffic for a bug report" onClose={onClose}>
      <form class="stack" onSubmit={record}>
        <p>
          Records what passes between Perch and {camera.name}, as a file that Wireshark opens. Passwords, logins and
          tokens are overwritten. <b>Pictures and sound of the camera are in it</b>, and addresses of your network: give
          it to people you trust.
        </p>
        <ChoiceField
          label="Seconds"
          value={seconds}
          options={LENGTHS.map((value) => ({ value, label: value }))}
          onValue={setSeconds}
        />
        <CheckField
          label="Connect anew meanwhile"
          hint="So that the beginning of the connection is inside."
          checked={anew}
          onChecked={setAnew}
        />
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" icon="record" busy={busy}>
            Record
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Hands bytes to the browser as a download. */
function save(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/x-pcapng' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
