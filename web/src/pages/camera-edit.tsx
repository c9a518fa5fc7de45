// Everything about one camera that can be changed.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraInfo, CameraTest, DriverInfo, ReachedStep } from '../api-types.ts';
import { cameraOf, cameras, keepCamera } from '../cameras.ts';
import { href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { CameraCare } from '../ui/camera-care.tsx';
import { CheckField, TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { OutsideNotice } from '../ui/outside-notice.tsx';
import { RecordingForm } from '../ui/recording-form.tsx';
import {
  type FieldValues,
  fieldsOf,
  problemText,
  settingsFrom,
  settingsPatch,
  valuesFrom,
} from '../ui/setting-fields.ts';
import { SettingsForm } from '../ui/settings-form.tsx';
import { SubSourceForm } from '../ui/sub-source-form.tsx';
import { TestResult } from '../ui/test-result.tsx';
import { useTitle } from '../ui/title.ts';
import { notify } from '../ui/toasts.tsx';

const MAX_NAME_LENGTH = 80;

export function EditCameraPage({ camera: ref }: { camera: string }) {
  const camera = cameraOf(ref);
  useTitle(camera ? `${camera.name}: settings` : 'Settings');
  if (cameras.value === null) return <Waiting what="Reading the settings" />;
  if (!camera) {
    return (
      <Empty icon="search" title="No such camera">
        <p>It was removed.</p>
      </Empty>
    );
  }
  return (
    <>
      <div class="page-head">
        <a class="crumb" href={href('camera', camera.slug)}>
          <Icon name="back" />
          {camera.name}
        </a>
        <h1>Settings</h1>
      </div>
      <div class="columns even">
        <div class="stack">
          <ConnectionForm camera={camera} key={camera.id} />
          <SubSourceForm camera={camera} key={camera.id} />
        </div>
        <div class="stack">
          <RecordingForm camera={camera} key={camera.id} />
          <CameraCare camera={camera} />
        </div>
      </div>
    </>
  );
}

function ConnectionForm({ camera }: { camera: CameraInfo }) {
  const [driver, setDriver] = useState<DriverInfo | null>(null);
  const [name, setName] = useState(camera.name);
  const [enabled, setEnabled] = useState(camera.enabled);
  // What the form began with: only what was changed here is sent, the address may have followed the camera meanwhile.
  const [loaded, setLoaded] = useState(camera.settings);
  const [values, setValues] = useState<FieldValues | null>(null);
  const [test, setTest] = useState<CameraTest | null>(null);
  const [reached, setReached] = useState<readonly ReachedStep[]>([]);
  const [busy, setBusy] = useState<'test' | 'save' | null>(null);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);

  useEffect(() => {
    void api.drivers().then((result) => {
      if (!result.ok) return setError(result.error.message);
      const mine = result.value.find((candidate) => candidate.id === camera.driver);
      if (!mine) return setError(`This Perch does not know cameras of kind "${camera.driver}".`);
      setDriver(mine);
      setValues(valuesFrom(fieldsOf(mine.settingsSchema), camera.settings));
    });
    return () => abort.current?.abort();
  }, []);

  const fields = driver ? fieldsOf(driver.settingsSchema) : [];
  const settings = values ? settingsFrom(fields, values, loaded) : loaded;

  async function run() {
    const controller = new AbortController();
    abort.current?.abort();
    abort.current = controller;
    setBusy('test');
    setTest(null);
    setReached([]);
    setError(null);
    const result = await api.testCamera(
      { driver: camera.driver, settings, camera: camera.slug },
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
    const patch = settingsPatch(loaded, settings);
    const result = await api.changeCamera(camera.slug, {
      ...(name.trim() !== '' && name.trim() !== camera.name ? { name: name.trim() } : {}),
      ...(enabled !== camera.enabled ? { enabled } : {}),
      ...(Object.keys(patch).length > 0 ? { settings: patch } : {}),
    });
    setBusy(null);
    if (!result.ok) return setError(result.error.message);
    keepCamera(result.value);
    setLoaded(result.value.settings);
    setValues(valuesFrom(fields, result.value.settings));
    notify('Saved.');
  }

  return (
    <section class="card" aria-label="Connection">
      <h2>Camera</h2>
      {!values && !error && <Waiting what="Reading the settings" />}
      <form class="form" onSubmit={save}>
        {values && (
          <>
            <TextField
              label="Name"
              name="camera-name"
              required
              maxLength={MAX_NAME_LENGTH}
              value={name}
              onValue={setName}
            />
            <CheckField
              label="Switched on"
              hint="Off: Perch leaves the camera alone and records nothing."
              checked={enabled}
              onChecked={setEnabled}
            />
            <SettingsForm fields={fields} values={values} onValues={setValues} />
            {driver && <OutsideNotice driver={driver} settings={settings} />}
            <TestResult test={test} busy={busy === 'test'} plan={driver?.steps ?? []} reached={reached} />
          </>
        )}
        {error && <Notice kind="bad">{problemText(fields, error)}</Notice>}
        {values && (
          <div class="actions">
            <Button type="submit" kind="primary" busy={busy === 'save'}>
              Save
            </Button>
            <Button icon="play" busy={busy === 'test'} onClick={() => void run()}>
              Test
            </Button>
          </div>
        )}
      </form>
    </section>
  );
}
