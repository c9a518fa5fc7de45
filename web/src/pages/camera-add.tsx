// Adding a camera: it looks around by itself, shows what it found, tries it with a picture, then keeps it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraTest, Discovered, DriverInfo, DriverSettings } from '../api-types.ts';
import { cameras, keepCamera, loadCameras } from '../cameras.ts';
import { go, href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { CameraSearch } from '../ui/camera-search.tsx';
import { CheckField, SelectField, TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Notice, Waiting } from '../ui/notice.tsx';
import { type FieldValues, fieldsOf, problemText, settingsFrom, valuesFrom } from '../ui/setting-fields.ts';
import { SettingsForm } from '../ui/settings-form.tsx';
import { TestResult } from '../ui/test-result.tsx';
import { useTitle } from '../ui/title.ts';
import { notify } from '../ui/toasts.tsx';

const MAX_NAME_LENGTH = 80;

/** A camera that is being set up: found, or by hand. */
type Draft = {
  readonly driver: string;
  readonly name: string;
  readonly settings: DriverSettings;
  readonly found: Discovered | null;
};

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

type DraftFormProps = {
  readonly draft: Draft;
  readonly drivers: readonly DriverInfo[];
  readonly onDriver: (driver: string) => void;
};

function DraftForm({ draft, drivers, onDriver }: DraftFormProps) {
  const driver = drivers.find((candidate) => candidate.id === draft.driver);
  const fields = driver ? fieldsOf(driver.settingsSchema) : [];
  const [values, setValues] = useState<FieldValues>(() => valuesFrom(fields, draft.settings));
  const [name, setName] = useState('');
  const standIn = `Camera ${(cameras.value?.length ?? 0) + 1}`;
  const [record, setRecord] = useState(false);
  const [test, setTest] = useState<CameraTest | null>(null);
  const [busy, setBusy] = useState<'test' | 'add' | null>(null);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);
  const form = useRef<HTMLElement>(null);
  const settings = settingsFrom(fields, values, draft.found ? draft.settings : {});

  async function run() {
    const controller = new AbortController();
    abort.current?.abort();
    abort.current = controller;
    setBusy('test');
    setTest(null);
    setError(null);
    const result = await api.testCamera({ driver: draft.driver, settings }, controller.signal);
    if (controller.signal.aborted) return;
    setBusy(null);
    if (result.ok) setTest(result.value);
    else setError(result.error.message);
  }

  // What was found has all that a first try needs: show its picture without being asked.
  useEffect(() => {
    // On a phone the form is below the list.
    if (matchMedia('(max-width: 899px)').matches) form.current?.scrollIntoView({ block: 'start', behavior: 'smooth' });
    if (draft.found) void run();
    return () => abort.current?.abort();
  }, []);

  async function add(event: Event) {
    event.preventDefault();
    abort.current?.abort();
    setBusy('add');
    setError(null);
    const finalName = name.trim() || standIn;
    const recording = record ? { recording: { mode: 'continuous' } } : {};
    const result = await api.addCamera({ name: finalName, driver: draft.driver, settings, ...recording });
    setBusy(null);
    if (!result.ok) return setError(result.error.message);
    keepCamera(result.value);
    void loadCameras();
    notify(`${finalName} is added.`);
    go(href('camera', result.value.slug));
  }

  return (
    <section class="card" aria-label="The camera's settings" ref={form}>
      <form class="form" onSubmit={add}>
        {!draft.found && drivers.length > 1 && (
          <SelectField
            label="Kind of camera"
            value={draft.driver}
            options={drivers.map(({ id, name: label }) => ({ value: id, label }))}
            onValue={onDriver}
          />
        )}
        {!draft.found && driver && (
          <div>
            <h2>{driver.name}</h2>
            <p class="soft small">{driver.description}</p>
          </div>
        )}
        <TestResult test={test} busy={busy === 'test'} />
        <TextField
          label="Name"
          name="camera-name"
          placeholder={standIn}
          maxLength={MAX_NAME_LENGTH}
          value={name}
          onValue={setName}
        />
        <SettingsForm
          fields={fields}
          values={values}
          found={draft.found !== null}
          onValues={(next) => {
            setValues(next);
            setTest(null);
          }}
        />
        <CheckField label="Record all the time" checked={record} onChecked={setRecord} />
        {error && <Notice kind="bad">{problemText(fields, error)}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" icon="plus" busy={busy === 'add'}>
            Add camera
          </Button>
          <Button icon="play" busy={busy === 'test'} disabled={busy === 'add'} onClick={() => void run()}>
            Test
          </Button>
        </div>
      </form>
    </section>
  );
}
