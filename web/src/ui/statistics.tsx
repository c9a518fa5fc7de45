// The figures of a camera's connection.

import { Fragment } from 'preact';
import type { CameraInfo } from '../api-types.ts';
import * as format from '../format.ts';

export function Statistics({ camera }: { camera: CameraInfo }) {
  const { status } = camera;
  const facts = Object.entries(camera.facts ?? {});
  const rows: [string, string][] = [
    ['Picture', status.width && status.height ? `${status.width} × ${status.height}` : '-'],
    ['Codec', status.codec ? codecName(status.codec) : '-'],
    ['Pictures a second', status.state === 'live' ? status.frameRate.toFixed(1) : '-'],
    ['Data rate', status.state === 'live' ? format.bitRate(status.bitRate) : '-'],
    ['Last picture', status.lastFrameAt ? format.timeOfDay(status.lastFrameAt) : 'none yet'],
    ['In this state since', format.moment(status.since)],
    ['Pictures received', format.count(status.framesReceived)],
    ['Damaged pictures', format.count(status.framesDropped)],
    ['Data received', format.bytes(status.bytesReceived)],
    ['Reconnects', format.count(status.reconnects)],
    ['Viewers', format.count(status.viewers)],
  ];
  return (
    <section class="card" aria-label="Statistics">
      <h2>Statistics</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
      {facts.length > 0 && (
        <details class="more facts-more">
          <summary>This connection</summary>
          <dl class="facts">
            {facts.map(([name, value]) => (
              <Fragment key={name}>
                <dt>{name}</dt>
                <dd>{String(value)}</dd>
              </Fragment>
            ))}
          </dl>
        </details>
      )}
      {status.error && (
        <p class="hint last-error">
          Last problem, {format.moment(status.error.at)}: {status.error.message}
        </p>
      )}
    </section>
  );
}

function codecName(codec: string): string {
  return { mjpeg: 'Motion JPEG', h264: 'H.264', h265: 'H.265' }[codec] ?? codec;
}
