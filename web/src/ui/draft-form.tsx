// A camera that is being set up: its settings, a try with a picture, and for recorders their channels.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { CameraTest, ChannelSearch, Discovered, DriverInfo, DriverSettings, ReachedStep } from '../api-types.ts';
import { cameras, keepCamera, loadCameras } from '../cameras.ts';
import { go, href } from '../router.ts';
import { Button } from './button.tsx';
import { ChannelChoice } from './channel-choice.tsx';
import { DialSteps } from './dial-steps.tsx';
import { CheckField, SelectField, TextField } from './field.tsx';
import { Notice } from './notice.tsx';
import { OutsideNotice } from './outside-notice.tsx';
import { type FieldValues, fieldsOf, problemText, settingsFrom, valuesFrom } from './setting-fields.ts';
import { SettingsForm } from './settings-form.tsx';
import { TestResult } from './test-result.tsx';
import { notify } from './toasts.tsx';

const MAX_NAME_LENGTH = 80;

/** Found, or by hand. */
export type Draft = {
  readonly driver: string;
  readonly name: string;
  readonly settings: DriverSettings;
  readonly found: Discovered | null;
  /** It is asked for its streams first. */
  readonly onvif?: boolean;
};

type Props = {
  readonly draft: Draft;
  readonly drivers: readonly DriverInfo[];
  readonly onDriver: (driver: string) => void;
};

/** What is under way, or came of it. */
type Look =
  | { readonly kind: 'none' }
  | { readonly kind: 'testing' }
  | { readonly kind: 'searching' }
  | { readonly kind: 'tested'; readonly test: CameraTest }
  | { readonly kind: 'searched'; readonly search: ChannelSearch; readonly settings: DriverSettings };

export function DraftForm({ draft, drivers, onDriver }: Props) {
  const driver = drivers.find((candidate) => candidate.id === draft.driver);
  const fields = driver ? fieldsOf(driver.settingsSchema) : [];
  const plan = driver?.steps ?? [];
  const [values, setValues] = useState<FieldValues>(() => valuesFrom(fields, draft.settings));
  const [name, setName] = useState('');
  const standIn = `Camera ${(cameras.value?.length ?? 0) + 1}`;
  const [record, setRecord] = useState(false);
  const [look, setLook] = useState<Look>({ kind: 'none' });
  const [reached, setReached] = useState<readonly ReachedStep[]>([]);
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);
  const form = useRef<HTMLElement>(null);
  const fieldsForm = useRef<HTMLFormElement>(null);
  const settings = settingsFrom(fields, values, draft.found ? draft.settings : {});
  const busy = look.kind === 'testing' || look.kind === 'searching';

  /** Runs one look; a new one takes over from the one before. */
  async function run(kind: 'testing' | 'searching') {
    if (!draft.found && fieldsForm.current?.reportValidity() === false) return;
    const controller = new AbortController();
    abort.current?.abort();
    abort.current = controller;
    setLook({ kind });
    setReached([]);
    setError(null);
    const onStep = (step: ReachedStep) => {
      if (!controller.signal.aborted) setReached((before) => [...before, step]);
    };
    const { signal } = controller;
    const result =
      kind === 'testing'
        ? await api.testCamera({ driver: draft.driver, settings }, onStep, signal)
        : await api.channels(draft.driver, settings, onStep, signal);
    if (signal.aborted) return;
    if (!result.ok) {
      setLook({ kind: 'none' });
      setError(result.error.message);
    } else if (kind === 'testing') setLook({ kind: 'tested', test: result.value as CameraTest });
    else setLook({ kind: 'searched', search: result.value as ChannelSearch, settings });
  }

  // What was found has all that a first try needs: show its picture without being asked.
  useEffect(() => {
    // On a phone the form is below the list.
    if (matchMedia('(max-width: 899px)').matches) form.current?.scrollIntoView({ block: 'start', behavior: 'smooth' });
    if (draft.found) void run('testing');
    return () => abort.current?.abort();
  }, []);

  async function add(event: Event) {
    event.preventDefault();
    abort.current?.abort();
    setLook((before) => (before.kind === 'tested' ? before : { kind: 'none' }));
    setAdding(true);
    setError(null);
    const finalName = name.trim() || standIn;
    const recording = record ? { recording: { mode: 'continuous' } } : {};
    const result = await api.addCamera({ name: finalName, driver: draft.driver, settings, ...recording });
    setAdding(false);
    if (!result.ok) return setError(result.error.message);
    keepCamera(result.value);
    void loadCameras();
    notify(`${finalName} is added.`);
    go(href('camera', result.value.slug));
  }

  return (
    <section class="card stack" aria-label="The camera's settings" ref={form}>
      <form class="form" onSubmit={add} ref={fieldsForm}>
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
        {draft.found && <Shown look={look} plan={plan} reached={reached} />}
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
            if (!busy) setLook({ kind: 'none' });
          }}
        />
        <CheckField label="Record all the time" checked={record} onChecked={setRecord} />
        {driver && <OutsideNotice driver={driver} settings={settings} />}
        {!draft.found && <Shown look={look} plan={plan} reached={reached} />}
        {error && <Notice kind="bad">{problemText(fields, error)}</Notice>}
        <div class="actions">
          <Button type="submit" kind="primary" icon="plus" busy={adding}>
            Add camera
          </Button>
          <Button icon="play" busy={look.kind === 'testing'} disabled={adding} onClick={() => void run('testing')}>
            Test
          </Button>
          {driver?.channels && (
            <Button
              icon="search"
              busy={look.kind === 'searching'}
              disabled={adding}
              onClick={() => void run('searching')}
            >
              Show its channels
            </Button>
          )}
        </div>
      </form>
      {look.kind === 'searched' && look.search.ok && (
        <ChannelChoice
          driver={draft.driver}
          settings={look.settings}
          channels={look.search.channels}
          complete={look.search.complete}
          name={name.trim() || 'Channel'}
        />
      )}
    </section>
  );
}

type ShownProps = Pick<Parameters<typeof TestResult>[0], 'plan' | 'reached'> & { readonly look: Look };

/** The steps and what came of them. */
function Shown({ look, plan, reached }: ShownProps) {
  if (look.kind === 'none') return null;
  if (look.kind === 'testing' || look.kind === 'tested') {
    const test = look.kind === 'tested' ? look.test : null;
    return <TestResult test={test} busy={test === null} plan={plan} reached={reached} />;
  }
  // A search for channels plays no picture.
  const steps = plan.filter(({ id }) => id !== 'picture');
  if (look.kind === 'searching') {
    return (
      <div role="status">
        <DialSteps plan={steps} reached={reached} state="going" />
      </div>
    );
  }
  if (look.search.ok) return <DialSteps plan={steps} reached={reached} state="done" />;
  return (
    <div class="stack">
      {reached.length > 0 && <DialSteps plan={steps} reached={reached} state="failed" />}
      <Notice kind="bad">{look.search.error.message}</Notice>
    </div>
  );
}
