// Times and bounds of the driver. The silence limits stay below the Supervisor's watchdog, so that the error says more.

export const timing = {
  /** Longest wait for one reply while the session is set up. */
  replyMs: 6000,
  /** No packet at all for this long: stalled. */
  silenceMs: 8000,
  /** Packets, but no whole picture for this long. */
  noPictureMs: 9000,
  checkMs: 1000,
  /** The keep-alive is sent at half the camera's time-out, within these bounds. */
  keepAliveMinMs: 5000,
  keepAliveMaxMs: 30_000,
  /** How long the goodbye may take. */
  goodbyeMs: 500,
  receiverReportMs: 5000,
} as const;

export const limits = {
  queueFrames: 128,
  queueBytes: 16 * 1024 * 1024,
  /** Kernel buffer of the UDP sockets: a keyframe comes as one burst. */
  receiveBufferBytes: 1024 * 1024,
  /** Tries to get an even port with its neighbor. */
  portTries: 32,
  /** `rtptime` further than this from the first packet is not believed. */
  mediaZeroSeconds: 10,
} as const;
