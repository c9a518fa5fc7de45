// The few icons there are: 24 px line drawings in the text's colour, hidden from screen readers.

import type { ComponentChildren } from 'preact';

const shapes = {
  grid: <path d="M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z" />,
  film: <path d="M3 5h18v14H3zM8 5v14M16 5v14M3 9.5h5M3 14.5h5M16 9.5h5M16 14.5h5" />,
  bell: <path d="M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4" />,
  disk: (
    <path d="M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3" />
  ),
  users: (
    <path d="M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.3a6.5 6.5 0 0 1 3.5 5.7" />
  ),
  key: <path d="M8 20a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM11.2 12.3 20 3.5M16 7.5l3 3" />,
  more: <path d="M4 7h16M4 12h16M4 17h16" />,
  plus: <path d="M12 5v14M5 12h14" />,
  back: <path d="m14.5 5-7 7 7 7" />,
  next: <path d="m9.5 5 7 7-7 7" />,
  copy: <path d="M9 9h11v11H9zM5 15H4V4h11v1" />,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  download: <path d="M12 4v11M7 10.5l5 5 5-5M4 20h16" />,
  settings: <path d="M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5" />,
  sound: <path d="M4 9.5v5h4l5 4v-13l-5 4zM16.5 9a4.5 4.5 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11" />,
  mute: <path d="M4 9.5v5h4l5 4v-13l-5 4zM16.5 9.5l5 5M21.5 9.5l-5 5" />,
  full: <path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" />,
  picture: <path d="M3 7h4l2-3h6l2 3h4v13H3zM12 17a4 4 0 1 0 0-8 4 4 0 0 0 0 8z" />,
  record: <circle cx="12" cy="12" r="6" />,
  stop: <path d="M7 7h10v10H7z" />,
  restart: <path d="M19 12a7 7 0 1 1-2.2-5.1L19 9M19 4v5h-5" />,
  trash: <path d="M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13" />,
  search: <path d="M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5" />,
  warn: <path d="M12 4 2.5 20h19zM12 10v5M12 17.5v.1" />,
  play: <path d="m8 5 11 7-11 7z" />,
  pause: <path d="M8 5v14M16 5v14" stroke-width="3" />,
  previous: <path d="M6 5v14M19 5 9 12l10 7z" />,
  following: <path d="M18 5v14M5 5l10 7-10 7z" />,
  stepBack: <path d="m13 6-6 6 6 6M18 6v12" />,
  stepNext: <path d="m11 6 6 6-6 6M6 6v12" />,
  calendar: <path d="M4 6h16v14H4zM4 10.5h16M8.5 3.5V8M15.5 3.5V8" />,
  scissors: (
    <path d="M6.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM6.5 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM8.5 8.5 20 17M8.5 15.5 20 7" />
  ),
  close: <path d="M6 6l12 12M18 6 6 18" />,
  minus: <path d="M5 12h14" />,
  keys: <path d="M3 7h18v10H3zM6.5 10.5h.1M10 10.5h.1M14 10.5h.1M17.5 10.5h.1M8 14h8" />,
  lock: <path d="M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3" />,
  unlock: <path d="M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.6-1.6" />,
  exit: <path d="M10 4H4v16h6M14 8l4 4-4 4M18 12H9" />,
  clock: <path d="M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2" />,
  off: <path d="M4 4l16 16M8 7h13v13M17 20H3V7h1" />,
} as const;

/** The names of the icons. */
export type IconName = keyof typeof shapes;

export function Icon({ name }: { name: IconName }) {
  return <Svg>{shapes[name]}</Svg>;
}

function Svg({ children }: { children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

/** The bird on its perch. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
      <rect class="logo-back" width="32" height="32" rx="8" />
      <path class="logo-line" d="M4 23.5h24" />
      <path
        class="logo-bird"
        d="M9 14.5a6.5 6.5 0 0 1 11.6-4l4.4 1.6-3.2 2.4c0 4.2-2.9 7.2-6.8 7.2H9.6c-1.6 0-2.8-.7-3.6-1.9 2-.2 3-1.9 3-5.3z"
      />
      <circle class="logo-back" cx="16.3" cy="12.6" r="1.5" />
    </svg>
  );
}
