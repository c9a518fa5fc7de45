// Adding a camera: it looks around by itself, shows what it found, tries it with a picture, then keeps it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { DriverInfo } from '../api-types.ts';
import { href } from '../router.ts';
import { CameraSearch } from '../ui/camera-search.tsx';
import { type Draft, DraftForm } from '../ui/draft-form.tsx';
import { Icon } from '../ui/icons.tsx';
import { Notice, Waiting } from '../ui/notice.tsx';
import { useTitle } from '../ui/title.ts';

export function AddCameraPage() {
  useTitle('Add a camera');
  const [drivers, setDrivers] = useState<readonly DriverInfo[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const draftCount = useRef(0);

  useEffect(() => {
    void api.drivers().then((result) => {
      if (result.ok) setDrivers(result.value);
      else setError(result.error.message);
    });
  }, []);

  function start(next: Draft) {
    draftCount.current++;
    setDraft(next);
  }

  return (
    <>
      <div class="page-head">
        <a class="crumb" href={href()}>
          <Icon name="back" />
          Live
        </a>
        <h1>Add a camera</h1>
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      {!drivers && !error && <Waiting what="Getting ready" />}
      {drivers && (
        <div class="add-columns">
          <CameraSearch
            canSearch={drivers.some((driver) => driver.capabilities.discovery)}
            chosen={draft?.found ?? null}
            onChoose={(found) => start({ driver: found.driver, name: found.name, settings: found.settings, found })}
            onByHand={() => {
              const first = drivers[0];
              if (first) start({ driver: first.id, name: '', settings: {}, found: null });
            }}
          />
          {draft && (
            <DraftForm
              key={draftCount.current}
              draft={draft}
              drivers={drivers}
              onDriver={(driver) => start({ driver, name: '', settings: {}, found: null })}
            />
          )}
        </div>
      )}
    </>
  );
}
