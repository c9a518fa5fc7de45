// Looks for cameras on the network and lists what answered. Names in it came from the network: text only.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { Discovered, DriverSettings } from '../api-types.ts';
import { Button } from './button.tsx';
import { Icon } from './icons.tsx';
import { Notice, Waiting } from './notice.tsx';

type SearchProps = {
  readonly canSearch: boolean;
  readonly chosen: Discovered | null;
  readonly onChoose: (found: Discovered) => void;
  readonly onByHand: () => void;
  /** An ONVIF camera that did not answer the search. */
  readonly onOnvif: () => void;
};

/** Begins to search as soon as it is shown. */
export function CameraSearch({ canSearch, chosen, onChoose, onByHand, onOnvif }: SearchProps) {
  const [found, setFound] = useState<readonly Discovered[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);

  async function search() {
    const controller = new AbortController();
    abort.current?.abort();
    abort.current = controller;
    setBusy(true);
    setError(null);
    const result = await api.discover(controller.signal);
    if (controller.signal.aborted) return;
    setBusy(false);
    if (result.ok) setFound(result.value.found);
    else setError(result.error.message);
  }

  useEffect(() => {
    if (canSearch) void search();
    return () => abort.current?.abort();
  }, [canSearch]);

  const fresh = found?.filter((item) => !item.alreadyAdded) ?? [];
  const known = found?.filter((item) => item.alreadyAdded) ?? [];
  return (
    <section class="card stack" aria-label="Found on the network">
      <div>
        <h2>On your network</h2>
        <p class="soft">The camera must be switched on and in the same network as Perch.</p>
      </div>
      {busy && <Waiting what="Looking around" />}
      {error && <Notice kind="bad">{error}</Notice>}
      {!busy && found && fresh.length === 0 && (
        <Notice kind="warn">
          {known.length > 0 ? 'No further camera answered.' : 'No camera answered.'} Is it switched on and on this
          network? If you know its address or UID, add it by hand.
        </Notice>
      )}
      {!busy && (
        <ul class="stack">
          {[...fresh, ...known].map((item, index) => (
            <li key={index} class={`found${item === chosen ? ' chosen' : ''}`}>
              <Icon name="picture" />
              <span class="grow">
                <span class="name">{item.name}</span>
                <br />
                <span class="soft small">{aboutFound(item)}</span>
              </span>
              {item.alreadyAdded && <span class="badge off">Already added</span>}
              {item.alreadyAdded && item.onvif && (
                // A recorder has many streams behind one address.
                <Button kind="quiet" pressed={item === chosen} onClick={() => onChoose(item)}>
                  More streams
                </Button>
              )}
              {!item.alreadyAdded && (
                <Button
                  kind={item === chosen ? 'plain' : 'primary'}
                  pressed={item === chosen}
                  onClick={() => onChoose(item)}
                >
                  {item === chosen ? 'Chosen' : 'Choose'}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <div class="actions">
        {canSearch && (
          <Button icon="search" busy={busy} onClick={() => void search()}>
            Search again
          </Button>
        )}
        <Button kind="quiet" icon="plus" onClick={onByHand}>
          Add by hand
        </Button>
        <Button kind="quiet" icon="plus" onClick={onOnvif}>
          ONVIF by address
        </Button>
      </div>
    </section>
  );
}

function aboutFound({ settings, onvif }: Discovered): string {
  return onvif ? `${URL.parse(onvif)?.host ?? ''} · ONVIF` : aboutSettings(settings);
}

function aboutSettings(settings: DriverSettings): string {
  return [settings.host, settings.uid, settings.serial, settings.url]
    .filter((value): value is string => typeof value === 'string' && value !== '')
    .join(' · ');
}
