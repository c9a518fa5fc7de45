// The second, smaller source of a camera: for the grid, motion and JPEG viewers.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, DriverInfo, SubStatus } from '../api-types.ts';
import { keepCamera } from '../cameras.ts';
import { Button } from './button.tsx';
import { CheckField, SelectField } from './field.tsx';
import { Notice } from './notice.tsx';
import {
  type FieldValues,
  fieldsOf,
  MASKED,
  problemText,
  settingsFrom,
  settingsPatch,
  valuesFrom,
} from './setting-fields.ts';
import { SettingsForm } from './settings-form.tsx';
import { notify } from './toasts.tsx';

/** Settings of a new second source: those of the camera itself, whose password the server knows already. */
function startFrom(camera: CameraInfo, driver: string) {
  if (camera.subSource?.driver === driver) return camera.subSource.settings;
  if (camera.driver !== driver) return {};
  return driver === 'dahua-p2p' ? { ...camera.settings, subtype: 1 } : camera.settings;
}

export function SubSourceForm({ camera }: { camera: CameraInfo }) {
  const [drivers, setDrivers] = useState<readonly DriverInfo[]>([]);
  const [wanted, setWanted] = useState(camera.subSource !== undefined);
  const [driver, setDriver] = useState(camera.subSource?.driver ?? camera.driver);
  const [values, setValues] = useState<FieldValues | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const fields = fieldsOf(drivers.find(({ id }) => id === driver)?.settingsSchema ?? {});

  useEffect(() => {
    void api.drivers().then((result) => {
      if (result.ok) setDrivers(result.value);
      else setError(result.error.message);
    });
  }, []);

  useEffect(() => {
    if (fields.length > 0) setValues(valuesFrom(fields, startFrom(camera, driver)));
  }, [drivers, driver]);

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const before = startFrom(camera, driver);
    const settings = settingsFrom(fields, values ?? {}, before);
    const isSame = camera.subSource?.driver === driver;
    const subSource = wanted ? { driver, settings: isSame ? settingsPatch(before, settings) : settings } : null;
    const result = await api.changeCamera(camera.slug, { subSource });
    setBusy(false);
    if (!result.ok) return setError(result.error.message.replace(/^subSource\./, ''));
    keepCamera(result.value);
    setValues(valuesFrom(fields, startFrom(result.value, driver)));
    notify('Saved.');
  }

  return (
    <section class="card" aria-label="Smaller stream">
      <h2>Smaller stream</h2>
      <p class="soft small">
        Most cameras have a second stream of less size. The grid and <code>/mjpeg</code> then use it; recordings and the
        camera’s page stay with the first.
      </p>
      <form class="form" onSubmit={save}>
        <CheckField label="The camera has a smaller stream" checked={wanted} onChecked={setWanted} />
        {wanted && values && (
          <>
            {camera.status.sub && <p class="soft small">{subSentence(camera.status.sub)}</p>}
            {drivers.length > 1 && (
              <SelectField
                label="Kind"
                value={driver}
                options={drivers.map(({ id, name }) => ({ value: id, label: name }))}
                onValue={setDriver}
              />
            )}
            <SettingsForm fields={fields} values={values} onValues={setValues} />
            {camera.subSource?.driver !== driver && Object.values(values).includes(MASKED) && (
              <p class="hint">At the same address the camera’s stored password is used.</p>
            )}
          </>
        )}
        {error && <Notice kind="bad">{problemText(fields, error)}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" busy={busy}>
            Save
          </Button>
        </div>
      </form>
    </section>
  );
}

/** How it is, in a sentence. */
function subSentence(sub: SubStatus): string {
  const why = sub.error ? ` ${sub.error.message.replace(/[.\s]*$/, '')}.` : '';
  const size = sub.width && sub.height ? `${sub.width} × ${sub.height}, ${sub.codec?.toUpperCase()}` : null;
  switch (sub.state) {
    case 'idle':
      return `Not connected: nobody looks at it now.${size ? ` Last: ${size}.` : ''}${why}`;
    case 'live':
      return `Live${size ? `: ${size}` : ''}.`;
    case 'connecting':
      return `Connecting.${why}`;
    case 'refused':
      return `Refused.${why} The first stream stands in.`;
    default:
      return `It does not answer.${why} The first stream stands in.`;
  }
}
