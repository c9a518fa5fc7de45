// Every number and every inferred fact of the IWFCam family in one place, so that a capture of a real camera changes
// this file and its tests only. Section numbers are those of protocols/iwfcam.md.

/** Times and repeats of the client (sections 4, 7, 12 and 15). */
export const timing = {
  /** Discovery: one request a second, five times. */
  discoveryIntervalMs: 1000,
  discoveryTries: 5,
  /** A camera's last answer may take this long. */
  discoveryAnswerMs: 1200,
  /** When several cameras are looked for, this many rounds are enough. */
  searchRounds: 3,
  /** Control messages go out twice, because slow firmware loses single ones. */
  repeatMs: 20,
  loginWaitMs: 1000,
  loginRounds: 3,
  identityRetryMs: 1500,
  liveAnswerMs: 500,
  liveTries: 3,
  firstMediaMs: 3000,
  heartbeatMs: 2000,
  acknowledgeMs: 80,
  acknowledgePackets: 24,
  /** Without a whole picture for this long the live request is repeated; after the second the session ends. */
  watchdogBurstMs: 5000,
  watchdogEndMs: 9000,
  /** How often a running stream is looked at. */
  watchMs: 500,
  /** How long a "device is closing" notice is given to be proved wrong by media. */
  closingNoticeMs: 1000,
  /** Only packets of another session for this long: the slot is not ours any more. */
  wrongSessionMs: 3000,
  stopRepeatMs: 12,
  closeRepeatMs: 10,
  goodbyeMs: 300,
  /** The device forgets a silent client after 6 s; any packet from our port starts that anew. */
  coolDownMs: 7000,
  /** However long ago the silence began: the next dial is never at once. */
  minCoolDownMs: 500,
} as const;

/** Inferred facts as switches (sections 6, 11, 12 and 21). */
export const dialect = {
  /** Session of a camera that does not answer logins, as older clients assume. Confirmed on idle cameras only. */
  assumedSession: 1,
  /** Acknowledge frames. rtthread firmware streams without; the vendor's library stalls without. */
  sendAcknowledgements: true,
  /** Received frames per second in an acknowledgement: any value but 0 throttles the camera. */
  acknowledgedFps: 0,
  /** Acknowledge a picture that was given up, so that the device's queue drains. Inferred. */
  acknowledgeAbandoned: true,
  /** Believe media headers of unknown length. */
  anyMediaOffset: false,
} as const;

/** Bounds of reassembly (sections 11 and 18). */
export const limits = {
  /** Largest picture. */
  frameBytes: 1 << 20,
  /** Most pixels of a picture: what decodes it must not be filled by a few forged bytes. */
  picturePixels: 1 << 24,
  /** Largest media datagram that is kept: real ones have 1072 bytes, and kept datagrams are memory. */
  datagramBytes: 4096,
  openFrames: 4,
  /** A picture without a new fragment for this long is given up. */
  abandonMs: 500,
  /** After this long without a frame the counter may begin anywhere (a rebooted camera). */
  counterResetMs: 2000,
  /** Finished frames that are remembered, to know a duplicate and acknowledge it again. */
  finishedFrames: 128,
  /** Pictures in a row that are no JPEG before the codec is called wrong. */
  badPictures: 30,
  receiveBufferBytes: 2 << 20,
  /** Datagrams of others between two looks, from which on the kernel is told to drop them. */
  strangers: 200,
  /** Queue between the socket and the reader. */
  queueFrames: 64,
  queueBytes: 8 << 20,
  /** Cameras that one search reports, and targets that it probes. */
  foundCameras: 256,
  searchTargets: 256,
} as const;

/** Sound of the family (section 13). */
export const sound = { sampleRate: 8000, channels: 1 } as const;
