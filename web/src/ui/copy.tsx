// Text to take elsewhere. navigator.clipboard exists only in secure contexts; plain http on the LAN is not one.

import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from './button.tsx';
import { notify } from './toasts.tsx';

const SHOWN_MS = 2_000;

/** Puts text on the clipboard, by the old way where the new one is not there. */
export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext && navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed in this frame: the old way may still work.
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.readOnly = true;
  area.className = 'off-screen';
  // Inside an open modal nothing outside can be focused, so the helper must be inside too.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  const focused = document.activeElement;
  area.select();
  let copied = false;
  try {
    copied = document.execCommand('copy');
  } catch {
    copied = false;
  }
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}

/** A line of code, or a few lines, with a button that copies it. */
export function CopyLine({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<number>(undefined);
  const line = useRef<HTMLInputElement | HTMLTextAreaElement>(null);
  const rows = text.split('\n').length;
  const shared = {
    readOnly: true,
    value: text,
    'aria-label': label,
    onFocus: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => event.currentTarget.select(),
  };
  useEffect(() => () => clearTimeout(timer.current), []);

  async function copy() {
    if (await copyText(text)) {
      setCopied(true);
      clearTimeout(timer.current);
      timer.current = window.setTimeout(() => setCopied(false), SHOWN_MS);
      return;
    }
    line.current?.select();
    notify('The browser does not let Perch copy. The text is selected: copy it from there.', 'bad');
  }

  return (
    <div class="copy-line">
      <span class="copy-label">{label}</span>
      <div class="copy-box">
        {rows === 1 ? (
          <input ref={line as RefObject<HTMLInputElement>} {...shared} />
        ) : (
          <textarea ref={line as RefObject<HTMLTextAreaElement>} rows={rows} wrap="off" {...shared} />
        )}
        <Button
          kind="quiet"
          icon={copied ? 'check' : 'copy'}
          label={copied ? 'Copied' : `Copy: ${label}`}
          onClick={copy}
        />
      </div>
    </div>
  );
}
