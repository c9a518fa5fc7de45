// Access for other programs, without anybody's password.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { Token, TokenScope } from '../api-types.ts';
import * as format from '../format.ts';
import { Button } from '../ui/button.tsx';
import { CameraChoice, camerasText } from '../ui/camera-choice.tsx';
import { CopyLine } from '../ui/copy.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ChoiceField, TextField } from '../ui/field.tsx';
import { Empty, Notice, Waiting } from '../ui/notice.tsx';
import { useTitle } from '../ui/title.ts';
import { notify } from '../ui/toasts.tsx';

const scopes: readonly { value: TokenScope; label: string; hint: string }[] = [
  {
    value: 'stream',
    label: 'Media only',
    hint: 'Live pictures and recordings by URL: for players, Home Assistant, motion.',
  },
  { value: 'viewer', label: 'Viewer', hint: 'Everything that a viewer sees, also through the API.' },
  { value: 'admin', label: 'Administrator', hint: 'Everything. Keep it like a password.' },
];

export function TokensPage() {
  useTitle('Tokens');
  const [tokens, setTokens] = useState<readonly Token[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Token | null>(null);

  async function load() {
    const result = await api.tokens();
    if (result.ok) setTokens(result.value);
    setError(result.ok ? null : result.error.message);
  }
  useEffect(() => void load(), []);

  const add = (
    <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>
      Make a token
    </Button>
  );
  return (
    <>
      <div class="page-head">
        <h1>Tokens</h1>
        {tokens && tokens.length > 0 && <div class="actions">{add}</div>}
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      {!tokens && !error && <Waiting what="Reading the tokens" />}
      {tokens?.length === 0 && (
        <Empty icon="key" title="No tokens yet">
          <p>
            A token lets another program, such as Home Assistant or VLC, watch without your password. You can take it
            back at any time.
          </p>
          {add}
        </Empty>
      )}
      {tokens && tokens.length > 0 && (
        <section class="card" aria-label="Tokens">
          <ul class="rows">
            {tokens.map((token) => (
              <li class="row" key={token.id}>
                <span class="grow">
                  <span class="name">{token.name}</span>
                  <br />
                  <span class="soft small">{aboutToken(token)}</span>
                </span>
                <Button kind="danger" onClick={() => setRemoving(token)}>
                  Take back
                </Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {adding && (
        <AddDialog
          onClose={() => {
            setAdding(false);
            void load();
          }}
        />
      )}
      {removing && (
        <TakeBackDialog
          token={removing}
          onClose={() => {
            setRemoving(null);
            void load();
          }}
        />
      )}
    </>
  );
}

function aboutToken(token: Token): string {
  const parts = [scopes.find((scope) => scope.value === token.scope)?.label ?? token.scope, camerasText(token.cameras)];
  if (token.createdAt) parts.push(`made ${format.moment(token.createdAt)}`);
  if (token.lastUsedAt) parts.push(`last used ${format.moment(token.lastUsedAt)}`);
  if (token.expiresAt) parts.push(`until ${format.moment(token.expiresAt)}`);
  return parts.join(' · ');
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<TokenScope>('stream');
  const [cameras, setCameras] = useState<readonly string[] | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function add(event: Event) {
    event.preventDefault();
    setBusy(true);
    const result = await api.addToken({ name: name.trim(), scope, cameras: scope === 'admin' ? null : cameras });
    setBusy(false);
    if (result.ok) setSecret(result.value.token);
    else setError(result.error.message);
  }

  if (secret) {
    return (
      <Dialog title="Your new token" onClose={onClose}>
        <CopyLine label={name.trim()} text={secret} />
        <p class="hint">
          It is shown only this once. Put it into a URL as ?token=..., or use it as a password with any user name.
        </p>
        <div class="actions">
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Make a token" onClose={onClose}>
      <form class="stack" onSubmit={add}>
        <TextField
          label="What is it for?"
          name="token-name"
          required
          placeholder="Home Assistant"
          maxLength={80}
          value={name}
          onValue={setName}
        />
        <ChoiceField label="It may use" value={scope} options={scopes} onValue={setScope} />
        {scope !== 'admin' && <CameraChoice value={cameras} onValue={setCameras} />}
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" icon="key" busy={busy}>
            Make token
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function TakeBackDialog({ token, onClose }: { token: Token; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function remove() {
    setBusy(true);
    const result = await api.deleteToken(token.id);
    setBusy(false);
    if (!result.ok) return setError(result.error.message);
    notify(`${token.name} no longer works.`);
    onClose();
  }
  return (
    <Dialog title={`Take back ${token.name}?`} onClose={onClose}>
      <p>Every program that uses it stops at once.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" busy={busy} onClick={() => void remove()}>
          Take back
        </Button>
      </div>
    </Dialog>
  );
}
