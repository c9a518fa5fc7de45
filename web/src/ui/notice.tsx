// Boxes that say what is the matter, and pages with nothing on them yet.

import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icons.tsx';

/** An error, a warning or a hint inside a page. */
export function Notice({ kind, children }: { kind: 'bad' | 'warn' | 'info'; children: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'note'}>
      <Icon name={kind === 'info' ? 'check' : 'warn'} />
      <div>{children}</div>
    </div>
  );
}

type EmptyProps = { readonly icon: IconName; readonly title: string; readonly children?: ComponentChildren };

/** What a page shows when there is nothing yet: says what to do. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="empty">
      <div class="empty-icon">
        <Icon name={icon} />
      </div>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Shown while a page waits for its first answer; appears only after a moment, so that quick answers do not flicker. */
export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" /> {what}
    </p>
  );
}
