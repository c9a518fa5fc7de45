// Adding a camera: it looks around by itself, shows what it found, tries it with a picture, then keeps it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { DriverInfo } from '../api-types.ts';
import { href } from '../router.ts';
import { CameraSearch } from '../ui/camera-search.tsx';
import { type Draft, DraftForm } from '../ui/draft-form.tsx';
import { Icon } from '../ui/icons.tsx';
import { Notice, Waiting } from '../ui/notice.tsx';
import { OnvifForm } from '../ui/onvif-form.tsx';
import { useTitle } from '../ui/title.ts';

/** The driver that plays the streams of ONVIF cameras. */
const PLAYER = 'rtsp';

export function AddCameraPage() {
  useTitle('Add a camera');
  const [drivers, setDrivers] = useState<readonly DriverInfo[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const draftCount = useRef(0);
  const player = drivers?.find(({ id }) => id === PLAYER);

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
            onChoose={(found) =>
              start({
                ...{ driver: found.driver, name: found.name, settings: found.settings, found },
                onvif: found.onvif !== undefined,
              })
            }
            onByHand={() => {
              const first = drivers[0];
              if (first) start({ driver: first.id, name: '', settings: {}, found: null });
            }}
            onOnvif={() => start({ driver: PLAYER, name: '', settings: {}, found: null, onvif: true })}
          />
          {draft?.onvif && player && <OnvifForm key={draftCount.current} found={draft.found} driver={player} />}
          {draft && !draft.onvif && (
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
