// A modal on the browser's own <dialog>: focus trap, Escape and back-drop come with it.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

type DialogProps = { readonly title: string; readonly onClose: () => void; readonly children: ComponentChildren };

/** Shown as long as it is rendered. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    // A press beside the box hits the dialog element itself; Escape does the same for the keyboard.
    const beside = (event: MouseEvent) => {
      if (event.target === dialog) close.current();
    };
    dialog.addEventListener('mousedown', beside);
    dialog.showModal();
    return () => {
      dialog.removeEventListener('mousedown', beside);
      dialog.close();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
