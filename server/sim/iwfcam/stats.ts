// What a simulated camera counts, for tests and for `npm run simulate`.

/** Plain numbers that only grow. */
export type IwfcamStats = {
  datagramsReceived: number;
  /** Not valid, or not from a client on line. */
  ignored: number;
  /** Ignored on purpose: gone, deaf after a boot, or slow. */
  unheard: number;
  discoveryRequests: number;
  loginsAccepted: number;
  loginsRefused: number;
  /** Logins that claimed an address outside the camera's own network. */
  claimsRefused: number;
  wrongSession: number;
  liveRequests: number;
  closes: number;
  acks: number;
  naks: number;
  slotsTimedOut: number;
  framesSent: number;
  /** The queue or the window was full. */
  framesSkipped: number;
  /** Pictures and blocks that this process was too busy to send in time. */
  ticksMissed: number;
  fragmentsSent: number;
  fragmentsResent: number;
  audioBlocksSent: number;
  audioBlocksSkipped: number;
  datagramsSent: number;
  bytesSent: number;
};

export function newStats(): IwfcamStats {
  return {
    datagramsReceived: 0,
    ignored: 0,
    unheard: 0,
    discoveryRequests: 0,
    loginsAccepted: 0,
    loginsRefused: 0,
    claimsRefused: 0,
    wrongSession: 0,
    liveRequests: 0,
    closes: 0,
    acks: 0,
    naks: 0,
    slotsTimedOut: 0,
    framesSent: 0,
    framesSkipped: 0,
    ticksMissed: 0,
    fragmentsSent: 0,
    fragmentsResent: 0,
    audioBlocksSent: 0,
    audioBlocksSkipped: 0,
    datagramsSent: 0,
    bytesSent: 0,
  };
}
