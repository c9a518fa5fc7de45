// Pages that are fetched when somebody goes there: the first page stays small.

import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button } from './button.tsx';
import { Notice, Waiting } from './notice.tsx';

/** A page that loads itself, once. */
export function lazyPage<P extends object>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> {
  let Loaded: FunctionComponent<P> | null = null;
  return function LazyPage(props: P) {
    const [, redraw] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Loaded) return;
      load().then(
        (page) => {
          Loaded = page;
          redraw((count) => count + 1);
        },
        () => setFailed(true),
      );
    }, []);
    if (Loaded) return <Loaded {...props} />;
    if (!failed) return <Waiting what="Loading the page" />;
    // After an update of Perch the file has another name: a fresh page knows it.
    return (
      <Notice kind="bad">
        <p>This page could not be loaded.</p>
        <Button icon="restart" onClick={() => location.reload()}>
          Load again
        </Button>
      </Notice>
    );
  };
}
