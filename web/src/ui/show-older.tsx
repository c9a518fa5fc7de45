// The end of a list that the server gives in pages, newest first.

import { useState } from 'preact/hooks';
import { Button } from './button.tsx';

/** @param load fetches the next page and shows it below the others */
export function ShowOlder({ load }: { load: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  async function more() {
    setBusy(true);
    await load();
    setBusy(false);
  }
  return (
    <div class="after-list">
      <Button busy={busy} onClick={() => void more()}>
        Show older
      </Button>
    </div>
  );
}
