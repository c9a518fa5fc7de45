// Who may sign in.

import { useEffect, useState } from 'preact/hooks';
import { api, type Result } from '../api.ts';
import type { Role, User } from '../api-types.ts';
import { session } from '../session.ts';
import { Button } from '../ui/button.tsx';
import { CameraChoice, camerasText } from '../ui/camera-choice.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ChoiceField, TextField } from '../ui/field.tsx';
import { Notice, Waiting } from '../ui/notice.tsx';
import { useTitle } from '../ui/title.ts';
import { notify } from '../ui/toasts.tsx';

const MIN_PASSWORD_LENGTH = 8;

export function UsersPage() {
  useTitle('Users');
  const [users, setUsers] = useState<readonly User[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [open, setOpen] = useState<'new' | User | null>(null);
  const [removing, setRemoving] = useState<User | null>(null);

  async function load() {
    const result = await api.users();
    if (result.ok) setUsers(result.value);
    setError(result.ok ? null : result.error.message);
  }
  useEffect(() => void load(), []);

  const me = session.value.kind === 'signedIn' ? session.value.user.username : '';
  return (
    <>
      <div class="page-head">
        <h1>Users</h1>
        <div class="actions">
          <Button kind="primary" icon="plus" onClick={() => setOpen('new')}>
            Add a user
          </Button>
        </div>
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      {!users && !error && <Waiting what="Reading the users" />}
      {users && (
        <section class="card" aria-label="Users">
          <ul class="rows">
            {users.map((user) => (
              <li class="row" key={user.id}>
                <span class="grow">
                  <span class="name">{user.username}</span> {user.username === me && <span class="soft">(you)</span>}
                  <br />
                  <span class="soft small">
                    {user.role === 'admin' ? 'Administrator' : `Viewer, ${camerasText(user.cameras)}`}
                  </span>
                </span>
                <span class="actions">
                  <Button onClick={() => setOpen(user)}>Change</Button>
                  <Button
                    kind="quiet"
                    icon="trash"
                    label={`Delete ${user.username}`}
                    disabled={user.username === me}
                    onClick={() => setRemoving(user)}
                  />
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {open && (
        <UserDialog
          user={open === 'new' ? null : open}
          onClose={() => setOpen(null)}
          onDone={() => {
            setOpen(null);
            void load();
          }}
        />
      )}
      {removing && (
        <RemoveDialog
          user={removing}
          onClose={() => setRemoving(null)}
          onDone={() => {
            setRemoving(null);
            void load();
          }}
        />
      )}
    </>
  );
}

type DialogProps = { readonly onClose: () => void; readonly onDone: () => void };

function UserDialog({ user, onClose, onDone }: DialogProps & { user: User | null }) {
  const isMe = session.value.kind === 'signedIn' && session.value.user.username === user?.username;
  const [username, setUsername] = useState(user?.username ?? '');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>(user?.role ?? 'viewer');
  const [cameras, setCameras] = useState<readonly string[] | null>(user?.cameras ?? null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function save(event: Event) {
    event.preventDefault();
    setBusy(true);
    const visible = role === 'admin' ? null : cameras;
    const result: Result<unknown> = user
      ? await api.changeUser(user.id, {
          ...(username.trim() === user.username ? {} : { username: username.trim() }),
          ...(password === '' ? {} : { password }),
          ...(role === user.role ? {} : { role }),
          ...(JSON.stringify(visible) === JSON.stringify(user.cameras) ? {} : { cameras: visible }),
        })
      : await api.addUser({ username: username.trim(), password, role, cameras: visible });
    setBusy(false);
    if (!result.ok) return setError(result.error.message);
    notify(user ? 'Saved.' : `${username.trim()} may sign in now.`);
    onDone();
  }

  return (
    <Dialog title={user ? `Change ${user.username}` : 'Add a user'} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <TextField label="User name" name="username" required value={username} onValue={setUsername} />
        <TextField
          label={user ? 'New password (optional)' : 'Password'}
          name="new-password"
          type="password"
          autocomplete="new-password"
          required={!user}
          minLength={MIN_PASSWORD_LENGTH}
          hint={`At least ${MIN_PASSWORD_LENGTH} characters.`}
          value={password}
          onValue={setPassword}
        />
        <ChoiceField
          label="Role"
          value={role}
          options={[
            { value: 'viewer', label: 'Viewer', hint: 'Watches and plays recordings.' },
            { value: 'admin', label: 'Administrator', hint: 'May do everything, also see all cameras.' },
          ]}
          onValue={setRole}
        />
        {role === 'viewer' && <CameraChoice value={cameras} onValue={setCameras} />}
        {isMe && <p class="hint">You will have to sign in again.</p>}
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy}>
            {user ? 'Save' : 'Add user'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ user, onClose, onDone }: DialogProps & { user: User }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function remove() {
    setBusy(true);
    const result = await api.deleteUser(user.id);
    setBusy(false);
    if (!result.ok) return setError(result.error.message);
    notify(`${user.username} is deleted.`);
    onDone();
  }
  return (
    <Dialog title={`Delete ${user.username}?`} onClose={onClose}>
      <p>They are signed out everywhere at once.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" icon="trash" busy={busy} onClick={() => void remove()}>
          Delete user
        </Button>
      </div>
    </Dialog>
  );
}
