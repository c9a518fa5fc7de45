// The proof that a session is good: the device's RTSP server answers through it (section 9.4).

import type { Clock } from '../../core/clock.ts';
import { tunnelLimits } from './dialect.ts';
import type { Link } from './link.ts';

/** Asks the device's RTSP server for its options through a realm of its own. */
export async function hasVideoService(link: Link, port: number, clock: Clock, limitMs: number): Promise<boolean> {
  const done = Promise.withResolvers<boolean>();
  const realm = link.open(port, {
    onOpen: () => realm?.write(Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n')),
    onData: () => done.resolve(true),
    onEnd: () => done.resolve(false),
    onDrain: () => {},
  });
  const timer = clock.after(Math.min(limitMs, tunnelLimits.connTimeoutMs), () => done.resolve(false));
  try {
    return await done.promise;
  } finally {
    timer.cancel();
    realm?.close();
  }
}
