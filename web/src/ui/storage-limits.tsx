// Limits over all cameras: what recordings may take together, and what stays free on the disk.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Button } from './button.tsx';
import { LimitField } from './limit-field.tsx';
import { Notice } from './notice.tsx';
import { notify } from './toasts.tsx';

const GIGABYTE = 1e9;

const gigabytesOf = (bytes: number | null) => (bytes === null ? '' : String(bytes / GIGABYTE));
const bytesOf = (gigabytes: string) => (gigabytes === '' ? null : Math.round(Number(gigabytes) * GIGABYTE));

export function StorageLimits() {
  const [most, setMost] = useState<string | null>(null);
  const [free, setFree] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    void api.settings().then((result) => {
      if (!result.ok) return setError(result.error.message);
      setMost(gigabytesOf(result.value.maxRecordingBytes));
      setFree(gigabytesOf(result.value.minFreeBytes));
    });
  }, []);

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    const result = await api.changeSettings({ maxRecordingBytes: bytesOf(most ?? ''), minFreeBytes: bytesOf(free) });
    setBusy(false);
    setError(result.ok ? null : result.error.message);
    if (result.ok) notify('Saved.');
  }

  if (most === null) return error ? <Notice kind="bad">{error}</Notice> : null;
  return (
    <section class="card" aria-label="Limits for all cameras">
      <h2>Limits for all cameras</h2>
      <p class="soft">The oldest recordings of all cameras go first when one of them presses; protected ones stay.</p>
      <form class="form" onSubmit={save}>
        <div class="form-row">
          <LimitField label="Recordings at most, GB" placeholder="no limit" value={most} onValue={setMost} />
          <LimitField
            label="Keep free on the disk, GB"
            placeholder="5 %, or 2 GB on a small disk"
            value={free}
            onValue={setFree}
          />
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button type="submit" busy={busy}>
            Save
          </Button>
        </div>
      </form>
    </section>
  );
}
