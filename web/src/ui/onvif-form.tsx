// An ONVIF camera that is being set up: it tells its streams to who signs in, one is taken to record and show large, a
// smaller one for the grid.

import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type {
  CameraTest,
  Discovered,
  DriverInfo,
  DriverSettings,
  OnvifAnswer,
  OnvifProfile,
  ReachedStep,
} from '../api-types.ts';
import { cameras, keepCamera, loadCameras } from '../cameras.ts';
import { go, href } from '../router.ts';
import { Button } from './button.tsx';
import { CheckField, SelectField, TextField } from './field.tsx';
import { Notice } from './notice.tsx';
import { TestResult } from './test-result.tsx';
import { notify } from './toasts.tsx';

const MAX_NAME_LENGTH = 80;
const MEGA = 1_000_000;
const NO_SUB = '';

type Device = Extract<OnvifAnswer, { ok: true }>['device'];

type Props = {
  /** `null`: the user types its address. */
  readonly found: Discovered | null;
  /** The driver that plays its streams. */
  readonly driver: DriverInfo;
};

export function OnvifForm({ found, driver }: Props) {
  const [url, setUrl] = useState(found?.onvif ?? '');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [device, setDevice] = useState<Device | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);
  const form = useRef<HTMLElement>(null);

  useEffect(() => {
    // On a phone the form is below the list.
    if (matchMedia('(max-width: 899px)').matches) form.current?.scrollIntoView({ block: 'start', behavior: 'smooth' });
    return () => abort.current?.abort();
  }, []);

  /** What was asked with other words is no answer any more. */
  const changed = (set: (value: string) => void) => (value: string) => {
    set(value);
    setDevice(null);
  };

  async function ask(event: Event) {
    event.preventDefault();
    const controller = new AbortController();
    abort.current?.abort();
    abort.current = controller;
    setBusy(true);
    setDevice(null);
    setError(null);
    const address = url.includes('://') ? url.trim() : `http://${url.trim()}`;
    const result = await api.onvifProfiles({ url: address, ...credentials(username, password) }, controller.signal);
    if (controller.signal.aborted) return;
    setBusy(false);
    if (!result.ok) setError(result.error.message);
    else if (!result.value.ok) setError(result.value.error.message);
    else setDevice(result.value.device);
  }

  return (
    <section class="card stack" aria-label="The camera's streams" ref={form}>
      <div>
        <h2>{found?.name ?? 'ONVIF camera'}</h2>
        <p class="soft small">
          It tells its streams to its own users. Some cameras want a user for ONVIF made in their settings first.
        </p>
      </div>
      <form class="form" onSubmit={ask}>
        {!found && (
          <TextField
            label="Address"
            name="onvif-address"
            placeholder="192.168.1.20"
            hint="With a port if it is not 80: 192.168.1.20:8000."
            required
            value={url}
            onValue={changed(setUrl)}
          />
        )}
        <TextField
          label="User name"
          name="onvif-user"
          autocomplete="off"
          value={username}
          onValue={changed(setUsername)}
        />
        <TextField
          label="Password"
          name="onvif-password"
          type="password"
          autocomplete="new-password"
          value={password}
          onValue={changed(setPassword)}
        />
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button type="submit" kind={device ? 'plain' : 'primary'} icon="search" busy={busy}>
            Show its streams
          </Button>
        </div>
      </form>
      {device && (
        <StreamChoice device={device} driver={driver} found={found} credentials={credentials(username, password)} />
      )}
    </section>
  );
}

type ChoiceProps = {
  readonly device: Device;
  readonly driver: DriverInfo;
  readonly found: Discovered | null;
  readonly credentials: DriverSettings;
};

function StreamChoice({ device, driver, found, credentials: given }: ChoiceProps) {
  const usable = device.profiles.filter(({ codec }) => codec !== null);
  const [main, setMain] = useState(device.main ?? usable[0]?.token ?? '');
  const [sub, setSub] = useState(device.sub ?? NO_SUB);
  const [name, setName] = useState('');
  const [record, setRecord] = useState(false);
  const [test, setTest] = useState<CameraTest | null>(null);
  const [reached, setReached] = useState<readonly ReachedStep[]>([]);
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const abort = useRef<AbortController>(null);
  const standIn =
    found?.name ??
    ([device.manufacturer, device.model].join(' ').trim() || `Camera ${(cameras.value?.length ?? 0) + 1}`);
  const settingsOf = (token: string) => ({ url: usable.find((each) => each.token === token)?.url ?? '', ...given });

  // The stream's picture, without being asked.
  useEffect(() => {
    const controller = new AbortController();
    abort.current = controller;
    setTest(null);
    setReached([]);
    const onStep = (step: ReachedStep) => {
      if (!controller.signal.aborted) setReached((before) => [...before, step]);
    };
    const input = { driver: driver.id, settings: settingsOf(main) };
    void api.testCamera(input, onStep, controller.signal).then((result) => {
      if (controller.signal.aborted) return;
      if (result.ok) setTest(result.value);
      else setTest({ ok: false, error: { code: 'internal', message: result.error.message } });
    });
    return () => controller.abort();
  }, [main]);

  async function add(event: Event) {
    event.preventDefault();
    abort.current?.abort();
    setAdding(true);
    setError(null);
    const finalName = (name.trim() || standIn).slice(0, MAX_NAME_LENGTH);
    const result = await api.addCamera({
      ...{ name: finalName, driver: driver.id, settings: settingsOf(main) },
      ...(sub !== NO_SUB && sub !== main && { subSource: { driver: driver.id, settings: settingsOf(sub) } }),
      ...(record && { recording: { mode: 'continuous' } }),
    });
    setAdding(false);
    if (!result.ok) return setError(result.error.message);
    keepCamera(result.value);
    void loadCameras();
    notify(`${finalName} is added.`);
    go(href('camera', result.value.slug));
  }

  if (usable.length === 0) return <Notice kind="bad">It has no stream that Perch can play.</Notice>;
  const options = usable.map((profile) => ({ value: profile.token, label: aboutProfile(profile) }));
  const moved = usable.find(({ token }) => token === main)?.moved ?? false;
  return (
    <form class="form" onSubmit={add}>
      <TestResult test={test} busy={test === null && !adding} plan={driver.steps ?? []} reached={reached} />
      <SelectField label="Recorded, and shown large" value={main} options={options} onValue={setMain} />
      <SelectField
        label="In the grid"
        hint="A smaller stream spares this machine and the network. It is used only while somebody looks."
        value={sub}
        options={[{ value: NO_SUB, label: 'The same' }, ...options.filter(({ value }) => value !== main)]}
        onValue={setSub}
      />
      {moved && (
        <Notice kind="warn">
          The camera names another address for this stream. Perch uses the one it was found at.
        </Notice>
      )}
      <TextField
        label="Name"
        name="camera-name"
        placeholder={standIn}
        maxLength={MAX_NAME_LENGTH}
        value={name}
        onValue={setName}
      />
      <CheckField label="Record all the time" checked={record} onChecked={setRecord} />
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="actions">
        <Button type="submit" kind="primary" icon="plus" busy={adding}>
          Add camera
        </Button>
      </div>
    </form>
  );
}

/** Only what was given: an empty password is not a password. */
function credentials(username: string, password: string): { username?: string; password?: string } {
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

/** "1920 × 1080, H264, 25 a second, 4.1 Mbit/s, MainStream": what matters first, as phones show only that. */
function aboutProfile({ name, width, height, codec, frameRate, bitRate }: OnvifProfile): string {
  const parts = [
    width && height ? `${width} × ${height}` : null,
    codec?.toUpperCase() ?? null,
    frameRate ? `${Math.round(frameRate)} a second` : null,
    bitRate ? `${(bitRate / MEGA).toFixed(1)} Mbit/s` : null,
    name,
  ];
  return parts.filter((part) => part !== null).join(', ');
}
