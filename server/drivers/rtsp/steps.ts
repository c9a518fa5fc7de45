// The way to an RTSP camera as its user sees it.

import type { DialStep } from '../../core/dial-step.ts';

/** The camera described its stream: it let us in. */
export const LOGIN_STEP: DialStep = {
  id: 'login',
  title: 'Login',
  doing: 'Signing in to the camera',
  late: 'The camera takes the connection, but does not answer',
};

/** Without the first picture. */
export const rtspSteps: readonly DialStep[] = [
  {
    id: 'connected',
    title: 'Connected',
    doing: 'Calling the camera',
    late: 'The camera does not answer',
  },
  LOGIN_STEP,
];
