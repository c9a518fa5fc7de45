// What a simulated RTSP camera may do wrong. Changed while it runs: the next request or picture sees it.

/** All off unless said. */
export type RtspFaults = {
  /** Answers this method with this status instead. */
  readonly answer?: { readonly method: string; readonly status: number };
  /** Answers DESCRIBE with 302 and this address. */
  readonly redirectTo?: string;
  /** Accepts connections and never answers. */
  readonly silent?: boolean;
  /** Sends so many pictures of each session, then nothing, and keeps the connection. */
  readonly stallAfter?: number;
  /** Sends so many pictures of each session, then closes in the middle of a packet. */
  readonly cutAfter?: number;
  /** From this picture on, interleaved lengths are too small: the rest of each packet is garbage to the reader. */
  readonly lyingLengthsAfter?: number;
  /** Share of packets left out, 0 to 1. */
  readonly loss?: number;
  /** The description to send instead of the right one. */
  readonly sdp?: string;
  /** Header fields to add to every reply. */
  readonly headers?: Readonly<Record<string, string>>;
};
