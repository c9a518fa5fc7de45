// Where cameras disagree with the standard: named choices with safe defaults, not booleans. A driver that stands on this one
// may choose differently for its devices.

import type { RtspHeaders } from '../../media/rtsp.ts';

/**
 * Which address the track addresses are appended to. `contentBase`: what the reply says, as the standard has it; a base that
 * is no RTSP address (empty, relative) is passed over. `requestUrl`: what we asked for, for devices behind a tunnel.
 */
export type BasePolicy = 'contentBase' | 'requestUrl';

/**
 * A reply without CSeq, or with one that nobody waits for. `lenient`: it answers the only open request (firmware that echoes
 * nothing). `strict`: it is passed over.
 */
export type ReplyMatchPolicy = 'lenient' | 'strict';

/**
 * The zero of media time. `rtpInfo`: the `rtptime` of PLAY's reply when the first packet is near it (some firmware says 0,
 * or the time of an earlier session). `firstPacket`: always the first packet.
 */
export type MediaZeroPolicy = 'rtpInfo' | 'firstPacket';

/** Sound that cannot be set up. `withoutSound`: pictures count more. `fail`: the session fails. */
export type SoundFailurePolicy = 'withoutSound' | 'fail';

/** Goodbye. `teardown`: said, answered or not. `close`: only the connection is closed. */
export type GoodbyePolicy = 'teardown' | 'close';

/** All choices. */
export type RtspPolicies = {
  readonly base: BasePolicy;
  readonly replyMatch: ReplyMatchPolicy;
  readonly mediaZero: MediaZeroPolicy;
  readonly soundFailure: SoundFailurePolicy;
  readonly goodbye: GoodbyePolicy;
};

/** What fits every camera seen so far. */
export const defaultPolicies: RtspPolicies = {
  base: 'contentBase',
  replyMatch: 'lenient',
  mediaZero: 'rtpInfo',
  soundFailure: 'withoutSound',
  goodbye: 'teardown',
};

/** The base of track addresses by the reply to DESCRIBE. */
export function chooseBase(policy: BasePolicy, requestUrl: string, headers: RtspHeaders): string {
  const said = headers.get('content-base') ?? headers.get('content-location') ?? '';
  return policy === 'contentBase' && /^rtsps?:\/\/[!-~]+$/i.test(said) ? said : requestUrl;
}
