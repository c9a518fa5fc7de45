// Before the dashboard: the first administrator, signing in, and "Perch does not answer".

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Result } from '../api.ts';
import { loadSession, setUp, signIn } from '../session.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { Logo } from '../ui/icons.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTitle } from '../ui/title.ts';

const MIN_PASSWORD_LENGTH = 8;

function GateFrame({ title, children }: { title: string; children: ComponentChildren }) {
  useTitle(title);
  return (
    <div class="gate">
      <div class="brand">
        <Logo />
        Perch
      </div>
      <main class="card">
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}

/** One submit at a time; the error of the last. */
function useSubmit(send: () => Promise<Result<unknown>>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function submit(event: Event) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    const result = await send();
    setBusy(false);
    if (!result.ok) setError(result.error.message);
  }
  return { busy, error, submit };
}

type CredentialsProps = {
  /** Choosing a password, not giving one: browsers then offer to make it. */
  isNew: boolean;
  action: string;
  send: (username: string, password: string) => Promise<Result<unknown>>;
};

/** User name, password and one button. */
function CredentialsForm({ isNew, action, send }: CredentialsProps) {
  const [username, setUsername] = useState(isNew ? 'admin' : '');
  const [password, setPassword] = useState('');
  const { busy, error, submit } = useSubmit(() => send(username.trim(), password));
  return (
    <form class="form" onSubmit={submit}>
      <TextField
        label="User name"
        name="username"
        autocomplete="username"
        required
        value={username}
        onValue={setUsername}
      />
      <TextField
        label="Password"
        name={isNew ? 'new-password' : 'password'}
        type="password"
        autocomplete={isNew ? 'new-password' : 'current-password'}
        required
        {...(isNew && {
          minLength: MIN_PASSWORD_LENGTH,
          hint: `At least ${MIN_PASSWORD_LENGTH} characters. A sentence is good.`,
        })}
        value={password}
        onValue={setPassword}
      />
      {error && <Notice kind="bad">{error}</Notice>}
      <Button type="submit" kind="primary" busy={busy}>
        {action}
      </Button>
    </form>
  );
}

/** Makes the first administrator. */
export function SetUpPage() {
  return (
    <GateFrame title="Welcome to Perch">
      <p class="soft">Choose a name and a password for the administrator. Nobody else can do this once it is done.</p>
      <CredentialsForm isNew action="Create administrator" send={setUp} />
    </GateFrame>
  );
}

export function SignInPage() {
  async function send(username: string, password: string): Promise<Result<unknown>> {
    const result = await signIn(username, password);
    if (result.ok || result.error.status !== 401) return result;
    return { ok: false, error: { ...result.error, message: 'The name or the password is wrong.' } };
  }
  return (
    <GateFrame title="Sign in">
      <CredentialsForm isNew={false} action="Sign in" send={send} />
    </GateFrame>
  );
}

export function UnreachablePage({ message }: { message: string }) {
  const [busy, setBusy] = useState(false);
  async function again() {
    setBusy(true);
    await loadSession();
    setBusy(false);
  }
  return (
    <GateFrame title="No connection">
      <div class="stack">
        <p class="soft">{message}</p>
        <Button kind="primary" icon="restart" busy={busy} onClick={() => void again()}>
          Try again
        </Button>
      </div>
    </GateFrame>
  );
}
