// Buttons and button-like links. A busy button keeps its width and says so to screen readers.

import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { Icon, type IconName } from './icons.tsx';

type Kind = 'primary' | 'plain' | 'quiet' | 'danger';

type ButtonProps = {
  readonly kind?: Kind;
  readonly icon?: IconName;
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly type?: 'button' | 'submit';
  readonly onClick?: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
  readonly label?: string;
  readonly pressed?: boolean;
  readonly children?: ComponentChildren;
};

/** `label` names a button that shows only its icon. */
export function Button(props: ButtonProps) {
  const {
    kind = 'plain',
    icon,
    busy = false,
    disabled = false,
    type = 'button',
    onClick,
    label,
    pressed,
    children,
  } = props;
  return (
    <button
      type={type}
      class={`button ${kind}${children === undefined ? ' only-icon' : ''}${busy ? ' busy' : ''}`}
      disabled={disabled || busy}
      aria-busy={busy}
      aria-label={label}
      title={label}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
      {...(onClick ? { onClick } : {})}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
      {busy && <span class="spinner" aria-hidden="true" />}
    </button>
  );
}

type LinkProps = {
  readonly href: string;
  readonly kind?: Kind;
  readonly icon?: IconName;
  readonly label?: string;
  readonly download?: boolean;
  readonly children?: ComponentChildren;
};

/** A link that looks like a button. */
export function ButtonLink({ href, kind = 'plain', icon, label, download, children }: LinkProps) {
  return (
    <a
      class={`button ${kind}${children === undefined ? ' only-icon' : ''}`}
      href={href}
      aria-label={label}
      title={label}
      {...(download ? { download: '' } : {})}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </a>
  );
}
