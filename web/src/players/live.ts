// All live pictures of the page over one socket. Carries out what connection-machine.ts decides; newest picture wins,
// and a picture is acknowledged when it was drawn, so that the server never runs ahead of a slow device.

import { signal } from '@preact/signals';
import { socketUrlOf } from '../base.ts';
import { connected } from '../events.ts';
import { checkSession } from '../session.ts';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  nextConnection,
} from './connection-machine.ts';
import {
  ackMessage,
  CLOSED_SIGNED_OUT,
  type LiveFormatMessage,
  type LiveMessage,
  type LivePictureMessage,
  type LiveSource,
  MAX_ID,
  parseLive,
  subscribeMessage,
  subscribeVideoMessage,
  unsubscribeMessage,
} from './live-protocol.ts';

/** What a tile gets. */
export type Watcher = {
  readonly camera: string;
  readonly source: LiveSource;
  /** Pixels wide that are of use; the server only shrinks. `null`: as the camera sends it. */
  readonly width: number | null;
  /** A decoded picture; draw it now, it is closed afterwards. */
  readonly onPicture: (picture: ImageBitmap, about: { readonly takenAt: number; readonly old: boolean }) => void;
  /** The socket or the camera is gone: the last picture is old. */
  readonly onLost: () => void;
};

/** What a <video> gets. */
export type VideoWatcher = {
  readonly camera: string;
  readonly source: LiveSource;
  /** Whether the sound comes along: it may cost the server an encoder. */
  readonly sound: boolean;
  readonly onFormat: (format: LiveFormatMessage) => void;
  /** MP4; resolves when it was taken. `takenAt`: of its newest picture. */
  readonly onBytes: (bytes: Uint8Array<ArrayBuffer>, takenAt: number) => Promise<void>;
  readonly onLost: () => void;
};

type Subscription = {
  readonly id: number;
  readonly watcher: Watcher | VideoWatcher;
  width: number | null;
  next: LivePictureMessage | null;
  decoding: boolean;
};

/** `plain` means: show `/mjpeg` pictures, the socket does not get through. */
export const liveMode = signal<'socket' | 'plain'>('socket');
/** Whether the socket is open. */
export const liveOpen = signal(false);

const OPEN_TIMEOUT_MS = 5_000;
const IDLE_MS = 1_000;

let state: ConnectionState = { kind: 'idle', plain: false };
let socket: WebSocket | null = null;
let retryTimer: number | undefined;
let openTimer: number | undefined;
let idleTimer: number | undefined;
let lastId = 0;
const subscriptions = new Map<number, Subscription>();

function step(event: ConnectionEvent): void {
  const next = nextConnection(state, event);
  state = next.state;
  liveMode.value = state.kind === 'fallback' || (state.kind === 'idle' && state.plain) ? 'plain' : 'socket';
  liveOpen.value = state.kind === 'open';
  for (const effect of next.effects) carryOut(effect);
}

function carryOut(effect: ConnectionEffect): void {
  switch (effect.kind) {
    case 'dial':
      dial();
      break;
    case 'hangUp':
      hangUp();
      break;
    case 'retry':
      clearTimeout(retryTimer);
      retryTimer = window.setTimeout(() => step({ kind: 'due' }), effect.delayMs * (0.75 + Math.random() / 2));
  }
}

function hangUp(): void {
  clearTimeout(retryTimer);
  clearTimeout(openTimer);
  const old = socket;
  socket = null;
  old?.close();
}

function dial(): void {
  const dialed = new WebSocket(socketUrlOf('api/live'));
  dialed.binaryType = 'arraybuffer';
  socket = dialed;
  const ended = () => {
    if (socket !== dialed) return;
    socket = null;
    clearTimeout(openTimer);
    dialed.close();
    for (const { watcher } of subscriptions.values()) watcher.onLost();
    step({ kind: 'closed', answers: connected.peek() === true });
  };
  openTimer = window.setTimeout(ended, OPEN_TIMEOUT_MS);
  dialed.onopen = () => {
    clearTimeout(openTimer);
    step({ kind: 'opened' });
    for (const subscription of subscriptions.values()) sendSubscribe(subscription);
  };
  dialed.onclose = (event) => {
    if (event.code === CLOSED_SIGNED_OUT && socket === dialed) void checkSession();
    ended();
  };
  dialed.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
    if (socket === dialed) receive(parseLive(event.data));
  };
}

function send(text: string): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
}

function sendSubscribe({ id, watcher, width }: Subscription): void {
  const { camera, source } = watcher;
  if (isVideo(watcher)) send(subscribeVideoMessage(id, camera, source, watcher.sound));
  else send(subscribeMessage(id, camera, source, width));
}

function isVideo(watcher: Watcher | VideoWatcher): watcher is VideoWatcher {
  return 'onBytes' in watcher;
}

function receive(message: LiveMessage | null): void {
  const subscription = message && subscriptions.get(message.id);
  if (!message || !subscription) return;
  switch (message.kind) {
    case 'state':
      if (message.noSignal) subscription.watcher.onLost();
      break;
    case 'ended':
      subscription.watcher.onLost();
      // Perhaps the server makes no more sizes of this camera: the full one costs it nothing.
      if (message.code === 'unavailable' && subscription.width !== null) {
        subscription.width = null;
        sendSubscribe(subscription);
      }
      break;
    case 'format':
      if (isVideo(subscription.watcher)) subscription.watcher.onFormat(message);
      break;
    case 'bytes':
      if (isVideo(subscription.watcher)) {
        void subscription.watcher.onBytes(message.bytes, message.takenAt).then(() => send(ackMessage(message)));
      }
      break;
    case 'picture':
      // A picture that was overtaken is acknowledged too: it needs nothing more from us.
      if (subscription.next) send(ackMessage(subscription.next));
      subscription.next = message;
      if (!subscription.decoding) void show(subscription);
  }
}

async function show(subscription: Subscription): Promise<void> {
  subscription.decoding = true;
  while (subscription.next) {
    const message: LivePictureMessage = subscription.next;
    subscription.next = null;
    if (message.jpeg) await decode(subscription, message, message.jpeg);
    send(ackMessage(message));
  }
  subscription.decoding = false;
}

async function decode(
  { id, watcher }: Subscription,
  message: LivePictureMessage,
  jpeg: Uint8Array<ArrayBuffer>,
): Promise<void> {
  try {
    const picture = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
    if (subscriptions.has(id) && !isVideo(watcher)) watcher.onPicture(picture, message);
    picture.close();
  } catch {
    // A damaged picture: the next one will do.
  }
}

/** Shows a camera's pictures until the returned function is called. */
export function watch(watcher: Watcher): () => void {
  return subscribe(watcher, watcher.width);
}

/** Gives a camera's H.264 or H.265 until the returned function is called. */
export function watchVideo(watcher: VideoWatcher): () => void {
  return subscribe(watcher, null);
}

function subscribe(watcher: Watcher | VideoWatcher, width: number | null): () => void {
  lastId = lastId >= MAX_ID ? 1 : lastId + 1;
  const subscription: Subscription = { id: lastId, watcher, width, next: null, decoding: false };
  subscriptions.set(subscription.id, subscription);
  clearTimeout(idleTimer);
  if (state.kind === 'open') sendSubscribe(subscription);
  else step({ kind: 'wanted' });
  return () => {
    if (!subscriptions.delete(subscription.id)) return;
    send(unsubscribeMessage(subscription.id));
    // Going from page to page keeps the socket.
    clearTimeout(idleTimer);
    idleTimer = window.setTimeout(() => {
      if (subscriptions.size === 0) step({ kind: 'unwanted' });
    }, IDLE_MS);
  };
}

/** Ends everything at once: signing out. */
export function stopLive(): void {
  clearTimeout(idleTimer);
  subscriptions.clear();
  step({ kind: 'unwanted' });
}

// Perch answers again, or the device woke up: do not wait for the back-off.
connected.subscribe((is) => {
  if (is && state.kind === 'waiting') {
    clearTimeout(retryTimer);
    step({ kind: 'due' });
  }
});
