// What a camera test found: the first picture, or the reason why there is none. The box keeps its size, so nothing jumps.

import type { CameraTest } from '../api-types.ts';
import { Notice } from './notice.tsx';

const JPEG_DATA = /^data:image\/jpeg;base64,[A-Za-z0-9+/=]+$/;

export function TestResult({ test, busy }: { test: CameraTest | null; busy: boolean }) {
  if (busy) {
    return (
      <div class="stage preview">
        <div class="stage-message" role="status">
          <span class="spinner" aria-hidden="true" />
          <span>Waiting for a picture. This takes up to 15 seconds.</span>
        </div>
      </div>
    );
  }
  if (!test) return null;
  if (!test.ok) {
    return (
      <Notice kind="bad">
        <b>No picture.</b> {test.error.message}
      </Notice>
    );
  }
  return (
    <figure class="stage preview">
      {JPEG_DATA.test(test.snapshot) && (
        <img src={test.snapshot} alt="From the camera, just now" width={test.width} height={test.height} />
      )}
      <figcaption class="stage-foot">
        <span class="badge good">
          <span class="dot" aria-hidden="true" />
          It works
        </span>
        <span>
          {test.width} × {test.height}, {test.codec.toUpperCase()}, first picture after {Math.round(test.firstFrameMs)}{' '}
          ms
        </span>
      </figcaption>
    </figure>
  );
}
