// The second, smaller source of a camera: for the grid, motion and JPEG viewers.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, CameraTest, DriverInfo, ReachedStep, SubStatus } from '../api-types.ts';
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
import { TestResult } from './test-result.tsx';
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
  const [test, setTest] = useState<CameraTest | null>(null);
  const [reached, setReached] = useState<readonly ReachedStep[]>([]);
  const [busy, setBusy] = useState<'test' | 'save' | null>(null);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);
  const chosen = drivers.find(({ id }) => id === driver);
  const fields = fieldsOf(chosen?.settingsSchema ?? {});

  useEffect(() => {
    void api.drivers().then((result) => {
      if (result.ok) setDrivers(result.value);
      else setError(result.error.message);
    });
    return () => abort.current?.abort();
  }, []);

  useEffect(() => {
    if (fields.length > 0) setValues(valuesFrom(fields, startFrom(camera, driver)));
    // What another kind of camera answered is no answer for this one.
    abort.current?.abort();
    setTest(null);
    setBusy(null);
  }, [drivers, driver]);

  async function run() {
    const controller = new AbortController();
    abort.current?.abort();
    abort.current = controller;
    setBusy('test');
    setTest(null);
    setReached([]);
    setError(null);
    const settings = settingsFrom(fields, values ?? {}, startFrom(camera, driver));
    const result = await api.testCamera(
      { driver, settings, camera: camera.slug, source: 'sub' },
      (step) => {
        if (!controller.signal.aborted) setReached((before) => [...before, step]);
      },
      controller.signal,
    );
    if (controller.signal.aborted) return;
    setBusy(null);
    if (result.ok) setTest(result.value);
    else setError(result.error.message);
  }

  async function save(event: Event) {
    event.preventDefault();
    setBusy('save');
    setError(null);
    const before = startFrom(camera, driver);
    const settings = settingsFrom(fields, values ?? {}, before);
    const isSame = camera.subSource?.driver === driver;
    const subSource = wanted ? { driver, settings: isSame ? settingsPatch(before, settings) : settings } : null;
    const result = await api.changeCamera(camera.slug, { subSource });
    setBusy(null);
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
            <TestResult test={test} busy={busy === 'test'} plan={chosen?.steps ?? []} reached={reached} />
          </>
        )}
        {error && <Notice kind="bad">{problemText(fields, error)}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" busy={busy === 'save'}>
            Save
          </Button>
          {wanted && values && (
            <Button icon="play" busy={busy === 'test'} onClick={() => void run()}>
              Test
            </Button>
          )}
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
