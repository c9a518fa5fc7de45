// Short messages at the edge of the screen, read out by screen readers.

import { signal } from '@preact/signals';
import { Icon } from './icons.tsx';

type Toast = { readonly id: number; readonly kind: 'good' | 'bad'; readonly text: string };

const GOOD_MS = 4_000;
const BAD_MS = 9_000;
const MAX_TOASTS = 3;

const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Says that something worked, or did not. */
export function notify(text: string, kind: Toast['kind'] = 'good'): void {
  const id = ++lastId;
  toasts.value = [...toasts.peek(), { id, kind, text }].slice(-MAX_TOASTS);
  setTimeout(() => dismiss(id), kind === 'good' ? GOOD_MS : BAD_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <button type="button" key={toast.id} class={`toast ${toast.kind}`} onClick={() => dismiss(toast.id)}>
          <Icon name={toast.kind === 'good' ? 'check' : 'warn'} />
          <span>{toast.text}</span>
        </button>
      ))}
    </div>
  );
}
