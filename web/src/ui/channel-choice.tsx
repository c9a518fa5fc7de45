// The channels of a recorder: which of them become cameras, and under which names. They are added one after another; one that
// fails is named, the others stay.

import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { DeviceChannel, DriverSettings } from '../api-types.ts';
import { keepCamera, loadCameras } from '../cameras.ts';
import { go, href } from '../router.ts';
import { Button } from './button.tsx';
import { CheckField } from './field.tsx';
import { Notice } from './notice.tsx';
import { notify } from './toasts.tsx';

const MAX_NAME_LENGTH = 80;

type Props = {
  readonly driver: string;
  /** Of the device; each channel adds its own. */
  readonly settings: DriverSettings;
  readonly channels: readonly DeviceChannel[];
  readonly complete: boolean;
  /** What the names begin with. */
  readonly name: string;
};

type Row = {
  readonly channel: DeviceChannel;
  readonly chosen: boolean;
  readonly name: string;
  readonly state: RowState;
};
type RowState = 'open' | 'adding' | 'added' | { readonly failed: string };

export function ChannelChoice({ driver, settings, channels, complete, name }: Props) {
  const [rows, setRows] = useState<readonly Row[]>(() =>
    channels.map((channel) => ({
      channel,
      chosen: !channel.alreadyAdded,
      name: `${name} ${channel.channel}`,
      state: 'open',
    })),
  );
  const [record, setRecord] = useState(false);
  const [busy, setBusy] = useState(false);
  const isFree = ({ channel, state }: Row) => !channel.alreadyAdded && state !== 'added';
  const chosen = rows.filter((row) => isFree(row) && row.chosen);
  const failed = rows.filter(({ state }) => typeof state === 'object');

  function change(channel: number, changes: Partial<Row>) {
    setRows((before) => before.map((row) => (row.channel.channel === channel ? { ...row, ...changes } : row)));
  }

  async function add(event: Event) {
    event.preventDefault();
    setBusy(true);
    let failures = 0;
    for (const { channel, name: rowName } of chosen) {
      change(channel.channel, { state: 'adding' });
      const result = await api.addCamera({
        name: rowName.trim() || `${name} ${channel.channel}`,
        driver,
        settings: { ...settings, ...channel.settings },
        ...(channel.subSettings ? { subSource: { driver, settings: { ...settings, ...channel.subSettings } } } : {}),
        ...(record ? { recording: { mode: 'continuous' } } : {}),
      });
      if (result.ok) keepCamera(result.value);
      else failures++;
      change(channel.channel, { state: result.ok ? 'added' : { failed: result.error.message } });
    }
    setBusy(false);
    void loadCameras();
    const added = chosen.length - failures;
    if (added > 0) notify(added === 1 ? '1 camera is added.' : `${added} cameras are added.`);
    if (failures === 0) go(href());
  }

  return (
    <form class="form" onSubmit={add} aria-label="Channels">
      <h2>{rows.length === 1 ? '1 channel' : `${rows.length} channels`}</h2>
      {!complete && <Notice kind="warn">The time was up before all channels were asked. These answered.</Notice>}
      <ul class="channels">
        {rows.map((row) => (
          <ChannelRow
            key={row.channel.channel}
            row={row}
            disabled={busy || !isFree(row)}
            onChange={(changes) => change(row.channel.channel, changes)}
          />
        ))}
      </ul>
      {failed.length > 0 && (
        <Notice kind="bad">
          {failed.map(({ name: rowName }) => rowName).join(', ')} could not be added; the others are kept. Change what
          is said to be wrong and try again.
        </Notice>
      )}
      <CheckField label="Record all the time" checked={record} onChecked={setRecord} />
      <div class="actions">
        <Button type="submit" kind="primary" icon="plus" busy={busy} disabled={chosen.length === 0}>
          {chosen.length === 1 ? 'Add 1 camera' : `Add ${chosen.length} cameras`}
        </Button>
      </div>
    </form>
  );
}

type RowProps = { readonly row: Row; readonly disabled: boolean; readonly onChange: (changes: Partial<Row>) => void };

function ChannelRow({ row, disabled, onChange }: RowProps) {
  const { channel, state, chosen, name } = row;
  const isThere = channel.alreadyAdded || state === 'added';
  const size = channel.width && channel.height ? `${channel.width} × ${channel.height}, ` : '';
  return (
    <li class="channel">
      <label class="channel-check">
        <input
          type="checkbox"
          checked={isThere || chosen}
          disabled={disabled}
          onChange={(event) => onChange({ chosen: event.currentTarget.checked })}
        />
        <span>Channel {channel.channel}</span>
      </label>
      <input
        aria-label={`Name of channel ${channel.channel}`}
        value={name}
        maxLength={MAX_NAME_LENGTH}
        disabled={disabled || !chosen}
        autocomplete="off"
        onInput={(event) => onChange({ name: event.currentTarget.value })}
      />
      <span class="soft small">
        {size}
        {channel.codec.toUpperCase()}
        {channel.subSettings ? ', with a sub stream' : ''}
      </span>
      {isThere && <span class="badge off">{state === 'added' ? 'Added' : 'Already added'}</span>}
      {state === 'adding' && <span class="spinner" role="status" aria-label="Is being added" />}
      {typeof state === 'object' && <span class="bad-text small">{state.failed}</span>}
    </li>
  );
}
