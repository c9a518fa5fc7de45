// What a client may make the RTSP server hold, and how long it may take. Each is a bound on somebody hostile or asleep.

/** Connections of all. */
export const MAX_CONNECTIONS = 1024;
/** Of one address. */
export const MAX_CONNECTIONS_PER_ADDRESS = 128;
/** Of one address, connections that have not said who they are; the one that waited longest makes room. */
export const MAX_STRANGERS_PER_ADDRESS = 32;
/** Requests that came before the first of them was answered. */
export const MAX_PIPELINED = 64;
/** Refused sign-ins on one connection. */
export const MAX_REFUSALS = 10;

const SECOND_MS = 1000;
/** A connection that is not playing ends so long after its last request. */
export const SESSION_TIMEOUT_SECONDS = 60;
/** A stranger's ends sooner. */
export const STRANGER_TIMEOUT_MS = 15 * SECOND_MS;
/** One timer for all connections. */
export const TICK_MS = SECOND_MS;
/** Sender reports come this often. */
export const REPORT_MS = 5 * SECOND_MS;

/** While more than this waits in the socket nothing is added: with one more frame that is all that a reader holds. */
export const MAX_QUEUED_BYTES = 256 * 1024;
/** A reader that is further behind goes on at the newest key picture. */
export const MAX_LAG_MS = 3 * SECOND_MS;
/** A reader that takes nothing for so long has left. */
export const STUCK_MS = 30 * SECOND_MS;

/** A camera without a picture is told absent after this. */
export const ABSENT_MS = 1500;
/** The first picture of an encoder that is only started now. */
export const FIRST_PICTURE_MS = 8 * SECOND_MS;
/** Encoders make a key picture every 2 s; an older one is of their run-up. */
export const RECENT_KEY_MS = 2500;
/** Sound of a camera that has only just come is waited for. */
export const FIRST_SOUND_MS = 800;
export const JUST_COME_MS = 3 * SECOND_MS;
/** Sound that was not heard for so long is not promised. */
export const SOUND_AGE_MS = 30 * SECOND_MS;
/**
 * Encoded cameras show the card after so long without a picture: VLC takes 10.2 s without a packet for the end (34 waits
 * of 300 ms in its live555 module, seen in 3.0.24), and the card's encoder has to start first.
 */
export const CARD_AFTER_MS = 6 * SECOND_MS;
/** What a client that came too early is told. */
export const RETRY_SECONDS = 5;
