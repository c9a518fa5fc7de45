// Viewers in a process of their own.

import { answer } from './child.ts';
import { MultipartViewer, type ViewerOptions } from './multipart-viewer.ts';

const viewers: MultipartViewer[] = [];

/** What all viewers of this process have received so far. */
export type ViewerCounts = { readonly viewers: number; readonly parts: number; readonly bytes: number };

answer({
  open(streams: ViewerOptions[]) {
    for (const stream of streams) viewers.push(new MultipartViewer(stream));
  },
  close() {
    for (const viewer of viewers.splice(0)) viewer.close();
  },
  counts(): ViewerCounts {
    const sum = (of: (viewer: MultipartViewer) => number) => viewers.reduce((total, viewer) => total + of(viewer), 0);
    return {
      viewers: viewers.filter((viewer) => !viewer.ended && viewer.parts > 0).length,
      parts: sum((viewer) => viewer.parts),
      bytes: sum((viewer) => viewer.bytes),
    };
  },
});
