// One EventSource for the whole page. Browsers retry by themselves only after some failures, so we do it for all.

import { signal } from '@preact/signals';
import { urlOf } from './base.ts';
import { checkSession } from './session.ts';

/** A fact as the server sends it: its name and its JSON. */
export type ServerFact = { readonly name: string; readonly data: Readonly<Record<string, unknown>> };
type Listener = (fact: ServerFact) => void;

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;
const REST_AFTER_MS = 60_000;
const FACTS = [
  'camera.added',
  'camera.changed',
  'camera.removed',
  'camera.status',
  'camera.wentLive',
  'camera.lost',
  'camera.moved',
  'segment.opened',
  'segment.closed',
  'segment.adopted',
  'segment.deleted',
  'segment.lost',
  'segment.quarantined',
  'recording.failed',
  'storage.full',
] as const;

/** Whether the server's event stream is open: when it is not, what we show may be old. */
export const connected = signal<boolean | null>(null);

const listeners = new Set<Listener>();
const reopenListeners = new Set<() => void>();
let source: EventSource | null = null;
let retryMs = RETRY_MIN_MS;
let timer: number | undefined;
let wasLost = false;
let paused = false;
let hiddenTimer: number | undefined;

/** Hears every fact; returns the way to stop. */
export function onFact(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Called when the stream is open again after a loss: facts were missed, ask again. */
export function onReconnect(listener: () => void): () => void {
  reopenListeners.add(listener);
  return () => void reopenListeners.delete(listener);
}

function open(): void {
  const stream = new EventSource(urlOf('api/events/stream'));
  source = stream;
  stream.onopen = () => {
    retryMs = RETRY_MIN_MS;
    connected.value = true;
    if (wasLost) for (const listener of reopenListeners) listener();
    wasLost = false;
  };
  stream.onerror = () => {
    stream.close();
    if (source !== stream) return;
    connected.value = false;
    wasLost = true;
    // The stream does not say why it ended: perhaps the session did.
    void checkSession();
    timer = window.setTimeout(open, retryMs * (0.5 + Math.random() / 2));
    retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
  };
  const deliver = (event: Event) => {
    let data: unknown;
    try {
      data = JSON.parse((event as MessageEvent<string>).data);
    } catch {
      return;
    }
    if (typeof data !== 'object' || data === null) return;
    for (const listener of listeners) listener({ name: event.type, data: data as Record<string, unknown> });
  };
  for (const name of FACTS) stream.addEventListener(name, deliver);
}

/** Opens the stream; calling it again does nothing. */
export function startEvents(): void {
  if (!source) open();
}

export function stopEvents(): void {
  clearTimeout(timer);
  clearTimeout(hiddenTimer);
  source?.close();
  source = null;
  wasLost = false;
  paused = false;
  connected.value = null;
}

function reopen(): void {
  clearTimeout(timer);
  source?.close();
  retryMs = RETRY_MIN_MS;
  paused = false;
  open();
}

// Back on screen or on the network: do not wait for the back-off.
function wake(): void {
  clearTimeout(hiddenTimer);
  if (source && (paused || connected.peek() === false)) reopen();
}

// A browser has six connections to a host for all its tabs together: a tab that nobody looks at gives its own back.
function rest(): void {
  clearTimeout(timer);
  source?.close();
  paused = source !== null;
  wasLost = paused;
}

addEventListener('online', wake);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') wake();
  else hiddenTimer = window.setTimeout(rest, REST_AFTER_MS);
});
