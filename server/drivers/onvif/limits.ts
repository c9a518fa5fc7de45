// Bounds of what a device may say and of how long it may take. All of it comes from the network.

/** Longest answer over HTTP: the profiles of a recorder with 32 channels are some 200 KB. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
/** Longest answer to a search; a datagram has no more. */
export const MAX_MATCH_BYTES = 64 * 1024;
/** Elements of one answer. */
export const MAX_ELEMENTS = 20_000;
/** One tag: envelopes bind some thirty namespaces in 3 KB. */
export const MAX_TAG_CHARS = 16 * 1024;
/** Nesting of elements; ONVIF's own answers need about twelve. */
export const MAX_DEPTH = 32;
/** Devices that one search tells. */
export const MAX_DEVICES = 128;
/** Targets that are probed. */
export const MAX_TARGETS = 64;
/** Profiles whose addresses are asked for: two streams of a 16-channel recorder. */
export const MAX_PROFILES = 32;
/** Longest name or token that is shown or sent back. */
export const MAX_TEXT = 100;

/** One answer. */
export const CALL_TIMEOUT_MS = 6000;
/** All answers of one device. */
export const ASK_TIMEOUT_MS = 14_000;
/** Probes are repeated: UDP loses some. */
export const SEARCH_ROUNDS = 3;
export const SEARCH_INTERVAL_MS = 1000;
