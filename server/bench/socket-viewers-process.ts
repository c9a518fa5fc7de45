// Viewers of the live socket in a process of their own.

import { answer } from './child.ts';
import { SocketViewer, type SocketViewerOptions } from './socket-viewer.ts';

const viewers: SocketViewer[] = [];

/** What all viewers of this process have received so far. */
export type SocketCounts = { readonly open: number; readonly bytes: number };

answer({
  open(options: readonly SocketViewerOptions[]) {
    for (const each of options) viewers.push(new SocketViewer(each));
  },
  close() {
    for (const viewer of viewers.splice(0)) viewer.close();
  },
  counts(): SocketCounts {
    return {
      open: viewers.filter(({ ended, pieces }) => !ended && pieces > 0).length,
      bytes: viewers.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  },
});
