// Who did what, when and from where: sign-ins, failures, changes, downloads.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { AuditEntry } from '../api-types.ts';
import * as format from '../format.ts';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { ShowOlder } from '../ui/show-older.tsx';
import { useTitle } from '../ui/title.ts';

const PAGE_SIZE = 100;

/** Actions in words; what is not here is shown as it is. */
const words: Readonly<Record<string, string>> = {
  'setup.done': 'set Perch up',
  'session.created': 'signed in',
  'session.refused': 'sign-in failed',
  'session.limited': 'sign-in held up: too many failed tries',
  'session.ended': 'signed out',
  'token.refused': 'a token was not good',
  'token.limited': 'tokens held up: too many that were not good',
  'token.created': 'made the token',
  'token.removed': 'took back the token',
  'user.created': 'added the user',
  'user.changed': 'changed the user',
  'user.removed': 'removed the user',
  'camera.added': 'added the camera',
  'camera.changed': 'changed the camera',
  'camera.removed': 'removed the camera',
  'camera.restarted': 'restarted the camera',
  'camera.released': 'released the camera',
  'camera.captured': 'recorded the network traffic of the camera',
  'recording.downloaded': 'watched or downloaded recordings',
  'recording.played': 'watched recordings',
  'recording.start': 'started recording by hand',
  'recording.stop': 'stopped recording by hand',
  'recording.auto': 'gave recording back to its schedule',
  'segment.protected': 'protected the recording',
  'segment.unprotected': 'no longer protects the recording',
  'segment.deleted': 'deleted the recording',
  'export.created': 'ordered the export',
  'export.deleted': 'deleted the export',
  'export.downloaded': 'downloaded the export',
  'settings.changed': 'changed the settings',
};

export function AuditPage() {
  useTitle('Audit');
  const [entries, setEntries] = useState<readonly AuditEntry[] | null>(null);
  const [isAll, setIsAll] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function load(before?: string): Promise<void> {
    const result = await api.audit({ before, limit: PAGE_SIZE });
    if (!result.ok) return setError(result.error.message);
    setError(null);
    setEntries((known) => [...(before ? (known ?? []) : []), ...result.value]);
    setIsAll(result.value.length < PAGE_SIZE);
  }
  useEffect(() => void load(), []);

  return (
    <>
      <div class="page-head">
        <h1>Audit</h1>
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      {!entries && !error && <Waiting what="Reading the audit trail" />}
      {entries?.length === 0 && (
        <Empty icon="check" title="Nothing yet">
          <p>Who signs in, fails to, changes or downloads something is written down here.</p>
        </Empty>
      )}
      {entries && entries.length > 0 && (
        <section class="card" aria-label="Audit trail">
          <ul class="rows">
            {entries.map((entry) => (
              <AuditLine key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      )}
      {entries && entries.length > 0 && !isAll && <ShowOlder load={() => load(entries.at(-1)?.id)} />}
    </>
  );
}

function AuditLine({ entry }: { entry: AuditEntry }) {
  const { at, username, via, address, action, target, detail } = entry;
  const how = via === 'none' ? address : `${address}, ${via}`;
  return (
    <li class="row">
      <span class="event-time" title={format.instant(at)}>
        {format.moment(at)}
      </span>
      <span class="grow">
        <b>{username}</b> {words[action] ?? action}
        {target && ` ${target}`}
        {detail && ` (${detail})`}
        <br />
        <span class="soft small">{how}</span>
      </span>
    </li>
  );
}
