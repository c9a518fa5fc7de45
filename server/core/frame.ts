// The one shape every camera is reduced to: coded pictures and sound blocks with two clocks.
// Everything after a driver (hub, viewers, recorder) sees only these.

/** Codec of a picture. The names are those of the public interface. */
export type VideoCodec = 'mjpeg' | 'h264' | 'h265';

/**
 * Codec of a sound block. `ima-adpcm` is IWFCam's block format: a 4-byte header, then nibbles, low nibble first
 * (`shared/protocols/iwfcam.md` section 13). `pcm-s16le` is raw 16-bit little-endian.
 */
export type AudioCodec = 'ima-adpcm' | 'pcm-s16le' | 'aac' | 'pcma' | 'pcmu';

/** When a frame was complete, on both clocks of its session. */
export type Instant = {
  /** Wall clock, milliseconds since the epoch (fractions allowed): taken once per session, advanced by the monotonic clock. */
  readonly at: number;
  /** Monotonic clock, milliseconds (fractions allowed). Never steps. */
  readonly monoMs: number;
};

/** One coded picture, whole. Immutable: the same object and the same bytes are shared by every reader. */
export type VideoFrame = Instant & {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** Decoding can begin here. Always true for JPEG. */
  readonly key: boolean;
  readonly data: Uint8Array;
  /** Pixels; 0 when the camera did not say and the bitstream was not read. */
  readonly width: number;
  readonly height: number;
  /** The camera's own clock, milliseconds, unwrapped; `null` when it has none. Only smooths playback. */
  readonly mediaMs: number | null;
  /** Codec set-up (H.264 avcC, H.265 hvcC) when the codec needs it out of band. */
  readonly codecConfig?: Uint8Array;
};

/** One block of sound. Immutable and shared like a picture. */
export type AudioFrame = Instant & {
  readonly kind: 'audio';
  readonly codec: AudioCodec;
  readonly data: Uint8Array;
  /** Hertz. */
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples per channel in this block. */
  readonly samples: number;
  readonly mediaMs: number | null;
  readonly codecConfig?: Uint8Array;
};

/** Anything a camera session yields. */
export type Frame = VideoFrame | AudioFrame;
