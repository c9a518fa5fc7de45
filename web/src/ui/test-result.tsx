// What a camera test found: how far it is, then the first picture, or the reason why there is none.

import type { CameraTest, DialStep, ReachedStep } from '../api-types.ts';
import { DialSteps } from './dial-steps.tsx';
import { Notice } from './notice.tsx';

const JPEG_DATA = /^data:image\/jpeg;base64,[A-Za-z0-9+/=]+$/;

type Props = {
  readonly test: CameraTest | null;
  readonly busy: boolean;
  readonly plan: readonly DialStep[];
  readonly reached: readonly ReachedStep[];
};

export function TestResult({ test, busy, plan, reached }: Props) {
  if (busy) {
    return (
      <div role="status">
        <DialSteps plan={plan} reached={reached} state="going" />
      </div>
    );
  }
  if (!test) return null;
  if (!test.ok) {
    return (
      <div class="stack">
        {reached.length > 0 && <DialSteps plan={plan} reached={reached} state="failed" />}
        <Notice kind="bad">
          <b>No picture.</b> {test.error.message}
        </Notice>
      </div>
    );
  }
  return (
    <div class="stack">
      {reached.length > 0 && <DialSteps plan={plan} reached={reached} state="done" />}
      <figure class={test.snapshot ? 'stage preview' : 'preview no-picture'}>
        {test.snapshot && JPEG_DATA.test(test.snapshot) && (
          <img src={test.snapshot} alt="From the camera, just now" width={test.width} height={test.height} />
        )}
        <figcaption class={test.snapshot ? 'stage-foot' : 'row-of-words'}>
          <span class="badge good">
            <span class="dot" aria-hidden="true" />
            It works
          </span>
          <span>
            {test.width} × {test.height}, {test.codec.toUpperCase()}, first picture after{' '}
            {Math.round(test.firstFrameMs)} ms
          </span>
        </figcaption>
      </figure>
    </div>
  );
}
