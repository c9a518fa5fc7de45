// Who is using the dashboard.

import { computed, signal } from '@preact/signals';
import { api, type Result, whenSignedOut } from './api.ts';
import type { SessionUser } from './api-types.ts';

/** What the app shows first depends on this. */
export type SessionState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'setup' }
  | { readonly kind: 'signedOut' }
  | { readonly kind: 'signedIn'; readonly user: SessionUser };

export const session = signal<SessionState>({ kind: 'loading' });

/** Whether administrator controls are shown. The server decides what is allowed. */
export const isAdmin = computed(() => session.value.kind === 'signedIn' && session.value.user.role === 'admin');

whenSignedOut(() => {
  if (session.peek().kind === 'signedIn') session.value = { kind: 'signedOut' };
});

/** Asks the server who we are. */
export async function loadSession(): Promise<void> {
  const result = await api.session();
  if (!result.ok) {
    session.value = { kind: 'unreachable', message: result.error.message };
  } else if (result.value.setupRequired) {
    session.value = { kind: 'setup' };
  } else {
    session.value = result.value.user ? { kind: 'signedIn', user: result.value.user } : { kind: 'signedOut' };
  }
}

/** Asks again when something was refused: leaves the page alone unless the server says that nobody is signed in. */
export async function checkSession(): Promise<void> {
  const result = await api.session();
  if (result.ok && !result.value.user && session.peek().kind === 'signedIn') session.value = { kind: 'signedOut' };
}

/** Signs in; the session follows. */
export async function signIn(username: string, password: string): Promise<Result<unknown>> {
  const result = await api.signIn(username, password);
  if (result.ok) await loadSession();
  return result;
}

/** Makes the first administrator and signs in as that. */
export async function setUp(username: string, password: string): Promise<Result<unknown>> {
  const result = await api.setUp(username, password);
  if (!result.ok) {
    if (result.error.status === 409) await loadSession();
    return result;
  }
  return signIn(username, password);
}

export async function signOut(): Promise<void> {
  await api.signOut();
  session.value = { kind: 'signedOut' };
}
