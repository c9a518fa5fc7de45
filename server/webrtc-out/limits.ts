// What a WebRTC client may make Perch hold, and how long it may take. Each is a bound on somebody hostile or asleep.

const SECOND_MS = 1000;

/** Sessions of all, of one camera, of one address. */
export const MAX_SESSIONS = 256;
export const MAX_SESSIONS_PER_CAMERA = 64;
export const MAX_SESSIONS_PER_ADDRESS = 64;
/** A browser's offer has some 12 kB. */
export const MAX_OFFER_BYTES = 64 * 1024;
export const MAX_OFFER_LINES = 2000;
/** Groups of lines in an offer that begin with `m=`. */
export const MAX_OFFER_MEDIA = 16;

/** From the offer to the end of the handshakes. */
export const CONNECT_MS = 15 * SECOND_MS;
/**
 * A client that checked the path, or sent a control packet that only it can seal, is believed to want more for so long
 * (RFC 7675). It speaks of checks only; GStreamer 1.22 makes none when it is connected.
 */
export const CONSENT_MS = 30 * SECOND_MS;
/** One timer for all sessions. */
export const TICK_MS = SECOND_MS;
/** Sender reports come this often. */
export const REPORT_MS = 2 * SECOND_MS;

/** Addresses from which one session's checks came. */
export const MAX_PATHS = 8;
/** DTLS before the end of the handshake, whole sessions; a good one has about 4 kB in a dozen datagrams. */
export const MAX_HANDSHAKE_BYTES = 64 * 1024;
export const MAX_HANDSHAKE_DATAGRAMS = 128;
/** Sent packets that are kept to be sent again: about a second of 4 Mbit/s, 700 kB at most. */
export const MAX_KEPT_PACKETS = 512;
/** Packets that are sent again in a second: what loss needs, not what a flood asks. */
export const MAX_RESENT_PER_SECOND = 500;
/**
 * Pictures leave at 64 Mbit/s at most, 64 kB of them at once: more than cameras send, less than WiFi takes, and as much as
 * Chromium's socket holds.
 */
export const MAX_BYTES_PER_MS = 8000;
/**
 * Those of the past at 24 Mbit/s, or so many times as fast as the camera sent them: what is lost of them is still kept when
 * it is asked for again, and decoders come along.
 */
export const PAST_BYTES_PER_MS = 3000;
export const PAST_SPEED = 3;
export const BURST_BYTES = 64 * 1024;
/**
 * A client that asks for a key picture again and again gets one after as long as what was sent again lasts, within these
 * bounds: never much more than twice what the camera sends.
 */
export const KEY_AGAIN_MS = 500;
export const MAX_KEY_AGAIN_MS = 4 * SECOND_MS;
/** Sources of a client's control packets: it has one for each medium. */
export const MAX_CONTROL_SOURCES = 16;
/** Control packets that are read in a second. */
export const MAX_CONTROL_PER_SECOND = 500;
/** Pictures and sound older than this are not begun with. */
export const MAX_KEY_AGE_MS = 10 * SECOND_MS;
