// A process that records a small camera until somebody kills it: `recording-child.ts DATA_DIR FORMAT`. For tests only.
// Says `frame NUMBER TIME` for each picture it published and `open` once a segment is surely being written.

import { join } from 'node:path';
import { Bus } from '../core/bus.ts';
import { systemClock } from '../core/clock.ts';
import { Recorder } from '../recording/recorder.ts';
import { SegmentFiles } from '../recording/segment-files.ts';
import { CountedPictures } from '../sim/counted-pictures.ts';
import { openDatabase } from '../store/database.ts';
import { SegmentIndex } from '../store/segment-index.ts';
import { FedCamera } from './recording-fixture.ts';

const [dataDir = '', format = 'mjpeg'] = process.argv.slice(2);
// 6 KB/s: 10 pictures of 600 bytes, a camera of 48 kbit/s.
const small = new CountedPictures({ width: 64, height: 48, minBytes: 600, maxBytes: 600 });
const camera = new FedCamera(
  systemClock,
  { format: format === 'mp4' ? 'mp4' : 'mjpeg', segmentSeconds: 3600 },
  'cam_child',
  'child',
);
const index = new SegmentIndex(openDatabase(join(dataDir, 'child.db')));
const recorder = new Recorder({ camera, clock: systemClock, index, bus: new Bus(), files: new SegmentFiles(dataDir) });
recorder.start();
let opened = false;
for (let n = 0; ; n++) {
  process.stdout.write(`frame ${n} ${Date.now()}\n`);
  camera.picture(small.picture(n).data, { width: 64, height: 48 });
  if (!opened && recorder.openSegment) {
    opened = true;
    process.stdout.write('open\n');
  }
  await systemClock.sleep(100);
}
