// The page's title in the browser's tab.

import { useEffect } from 'preact/hooks';

/** Sets the tab's title while the page is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Perch' : `${title} · Perch`;
  }, [title]);
}
