// The WebRTC server: one UDP port for all clients, the sessions and their bounds, and the one timer for all of them. We are
// ICE lite (RFC 8445 section 2.5): clients come to us, we dial nobody, look nothing up and ask no STUN or TURN server.

import { randomBytes, randomUUID } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import type { Camera } from '../cameras/camera.ts';
import type { FrameHub } from '../cameras/frame-hub.ts';
import type { Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { NvrError } from '../core/nvr-error.ts';
import { Tally } from '../core/tally.ts';
import type { LiveFeeds } from '../live/live-feeds.ts';
import { PictureTimes } from '../media/picture-times.ts';
import { parseBindingRequest } from '../media/stun.ts';
import type { Endpoint, Net, UdpSocket } from '../net/net.ts';
import { CardSources } from '../rtsp-out/card-source.ts';
import { type MediaSource, openMedia } from '../rtsp-out/media-source.ts';
import { Outlet } from '../rtsp-out/outlet.ts';
import { type Chosen, chooseSound, chooseVideo, encodeAnswer } from './answer.ts';
import { planG711 } from './g711-cutter.ts';
import { MAX_SESSIONS, MAX_SESSIONS_PER_ADDRESS, MAX_SESSIONS_PER_CAMERA, TICK_MS } from './limits.ts';
import { parseOffer } from './offer.ts';
import { loadSecurity } from './secure-path.ts';
import { pathOf, Session } from './session.ts';

/** What the server stands on. */
export type WebrtcServerOptions = {
  readonly net: Net;
  readonly feeds: LiveFeeds;
  readonly log: Logger;
  /** This machine's IPv4 addresses that others can reach. */
  readonly hostAddresses: () => readonly string[];
};

/** One who asks for a session. */
export type Asker = {
  /** Where the request came from, as one place. */
  readonly place: string;
  /** Addresses by which the client reached us; those that are IPv4 are tried first. */
  readonly reachedAt: readonly string[];
  /** Ends the wait for the camera's first picture. */
  readonly signal: AbortSignal;
  /** Calls back when the caller's session, token or right ends. @returns the way to stop watching */
  readonly onRevoked: (end: () => void) => () => void;
};

/** A session as the client gets it. */
export type OpenedSession = { readonly id: string; readonly answer: string };

const KEEP_TRYING_MS = 5000;
/** Bursts of key pictures leave at once; what clients send is little. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;
const HEX_NAME_BYTES = 8;
const HEX_PASSWORD_BYTES = 16;
const MAX_CANDIDATES = 8;
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/** See the head of this file. `listen` once, `close` once. */
export class WebrtcServer {
  readonly tally = new Tally<'sessions' | 'turnedAway'>();
  readonly #options: WebrtcServerOptions;
  readonly #cards: CardSources;
  readonly #log: Logger;
  readonly #sessions = new Map<string, Session>();
  readonly #byIceName = new Map<string, Session>();
  readonly #byPath = new Map<string, Session>();
  readonly #stopListening: () => void;
  /** Requests that wait for a camera: they count as sessions. */
  readonly #opening: { readonly cameraId: string; readonly place: string }[] = [];
  #socket: UdpSocket | null = null;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: WebrtcServerOptions) {
    this.#options = options;
    this.#log = options.log.child({ part: 'webrtc-out' });
    this.#cards = new CardSources(options.feeds, this.#log);
    this.#stopListening = options.feeds.bus.on('camera.removed', ({ camera }) => {
      for (const session of [...this.#sessions.values()]) {
        if (session.options.cameraId === camera) session.close('the camera was removed');
      }
    });
  }

  /** Open sessions, and those that are connected. */
  get sessions(): number {
    return this.#sessions.size;
  }

  get connected(): number {
    return [...this.#sessions.values()].filter(({ isConnected }) => isConnected).length;
  }

  /**
   * @param host an address or name of this machine
   * @returns the port
   * @throws NvrError `conflict` when it is taken, `unavailable` for other failures
   */
  async listen(host: string, port: number): Promise<number> {
    if (isIPv6(host) && !ANY_ADDRESS.has(host)) throw new NvrError('unavailable', 'WebRTC needs an IPv4 address');
    const address = ANY_ADDRESS.has(host) ? '0.0.0.0' : await this.#options.net.resolve(host);
    this.#socket = await this.#options.net.openUdp({ address, port, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
    this.#socket.onDatagram((bytes, from) => this.#receive(bytes, from));
    return this.#socket.local.port;
  }

  /**
   * Answers an offer for a camera, or for its second source if it has one. The session begins when the client's handshakes are done, and ends by itself when they are not.
   * @throws NvrError `unavailable` (not open, stopping, camera away), `bad_input` (what is wrong with the offer),
   *   `rate_limited` (too many sessions), `conflict` (the camera's codec, or the order of its pictures, is not one that WebRTC carries)
   */
  async open(camera: Camera, wanted: 'main' | 'sub', offerText: string, asker: Asker): Promise<OpenedSession> {
    const offer = parseOffer(offerText);
    const claim = { cameraId: camera.id, place: asker.place };
    this.#check(claim);
    this.#opening.push(claim);
    using claimed = new DisposableStack();
    claimed.defer(() => this.#opening.splice(this.#opening.indexOf(claim), 1));
    using stack = new DisposableStack();
    const { feeds } = this.#options;
    const stream = camera.config.subSource ? wanted : 'main';
    refuseOtherCodecs(camera.view(stream).hub.newestVideo?.frame.codec);
    const [security, source] = await Promise.all([
      loadSecurity(),
      openMedia(camera, stream, { clock: feeds.clock, feeds, cards: this.#cards }, asker.signal),
    ]);
    stack.use(source);
    const socket = this.#socket;
    if (this.#closed || !socket || asker.signal.aborted) throw new NvrError('cancelled', 'Nobody waits any more');

    const { video, audio, chosen } = plan(offer, source);
    const [iceName, icePassword] = [hex(HEX_NAME_BYTES), hex(HEX_PASSWORD_BYTES)];
    const id = randomUUID();
    const answer = encodeAnswer({
      ...{ offer, chosen, iceName, icePassword, fingerprint: security.fingerprint, cname: iceName },
      ...{ addresses: this.#addresses(socket.local.address, asker.reachedAt), port: socket.local.port },
    });
    const session: Session = new Session({
      ...{ id, cameraId: camera.id, place: asker.place, iceName, icePassword, remoteName: offer.iceName },
      ...{ fingerprints: offer.fingerprints, security, source, video, audio, cname: iceName, clock: feeds.clock },
      send: (datagram, to) => socket.send(datagram, to),
      onPath: (path) => this.#byPath.set(path, session),
      onClosed: (why) => {
        stopWatching();
        this.#forget(session, why);
      },
    });
    const stopWatching = asker.onRevoked(() => session.close('the caller may not see it any more'));
    this.#sessions.set(id, session);
    this.#byIceName.set(iceName, session);
    this.tally.add('sessions');
    if (this.#timer === null) this.#scheduleTick();
    stack.move(); // from here on the session ends what it was given
    return { id, answer };
  }

  /** Ends a session of this camera. @returns whether there was one */
  end(cameraId: string, id: string): boolean {
    const session = this.#sessions.get(id);
    if (!session || session.options.cameraId !== cameraId) return false;
    session.close('the client has ended the session');
    return true;
  }

  /** Says goodbye to all and frees the port. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    for (const session of [...this.#sessions.values()]) session.close('Perch stops');
    this.#timer?.cancel();
    await this.#socket?.close();
    await this.#cards.settled();
  }

  #check({ cameraId, place }: { readonly cameraId: string; readonly place: string }): void {
    if (this.#closed || !this.#socket) {
      throw new NvrError('unavailable', 'WebRTC is not served; see PERCH_WEBRTC_PORT');
    }
    const open = [...[...this.#sessions.values()].map(({ options }) => options), ...this.#opening];
    const ofCamera = open.filter((one) => one.cameraId === cameraId).length;
    const ofPlace = open.filter((one) => one.place === place).length;
    if (open.length < MAX_SESSIONS && ofCamera < MAX_SESSIONS_PER_CAMERA && ofPlace < MAX_SESSIONS_PER_ADDRESS) return;
    this.tally.add('turnedAway');
    throw new NvrError('rate_limited', 'Too many WebRTC sessions are open', {
      context: { retryAfterMs: KEEP_TRYING_MS },
    });
  }

  /** Where the client may find us: how it found us already, then everything else this machine is called. */
  #addresses(bound: string, reachedAt: readonly string[]): string[] {
    if (!ANY_ADDRESS.has(bound)) return [bound];
    const all = [...reachedAt.map((address) => address.replace(/^::ffff:/i, '')), ...this.#options.hostAddresses()];
    return [...new Set(all.filter((address) => isIPv4(address)))].slice(0, MAX_CANDIDATES);
  }

  #receive(bytes: Uint8Array, from: Endpoint): void {
    const request = (bytes[0] ?? 0) < 4 ? parseBindingRequest(bytes) : null;
    if (request) this.#byIceName.get(request.localName)?.check(request, from);
    else this.#byPath.get(pathOf(from))?.receive(bytes);
  }

  #forget(session: Session, why: string): void {
    const { id, iceName, cameraId, place } = session.options;
    this.#sessions.delete(id);
    this.#byIceName.delete(iceName);
    for (const path of session.paths) if (this.#byPath.get(path) === session) this.#byPath.delete(path);
    this.#log.debug({ camera: cameraId, address: place, why }, 'A WebRTC session has ended');
  }

  #scheduleTick(): void {
    const { clock } = this.#options.feeds;
    this.#timer = clock.after(TICK_MS, () => {
      this.#timer = null;
      for (const session of [...this.#sessions.values()]) session.tick(clock.monoMs());
      if (this.#sessions.size > 0 && !this.#closed) this.#scheduleTick();
    });
  }
}

const hex = (bytes: number) => randomBytes(bytes).toString('hex');

/** @throws NvrError `conflict` */
function refuseOtherCodecs(codec: string | undefined): void {
  if (codec !== 'h265') return;
  const message =
    'This camera sends H.265, which browsers do not take by WebRTC. Use live.mp4 or HLS, which copy it, or mjpeg.';
  throw new NvrError('conflict', message);
}

/** Chromium decodes one in eight of such pictures and asks for key pictures all the time. @throws NvrError `conflict` */
function refuseReordered(hub: FrameHub): void {
  const order = new PictureTimes();
  using reader = hub.open({ kinds: 'video', policy: 'every', start: { sinceMonoMs: Number.NEGATIVE_INFINITY } });
  for (let item = reader.poll(); item; item = reader.poll()) if (item.frame.kind === 'video') order.hear(item.frame);
  if (!order.isReordered) return;
  const message =
    'This camera sends H.264 with B-frames, which browsers cannot show by WebRTC. Switch them off in the camera (often: ' +
    'profile Baseline), or use live.mp4, HLS or mjpeg.';
  throw new NvrError('conflict', message);
}

/** The tracks that are sent. @throws NvrError `bad_input`, `conflict` */
function plan(
  offer: ReturnType<typeof parseOffer>,
  source: MediaSource,
): { video: Outlet; audio: Outlet | null; chosen: Chosen[] } {
  const [videoPlan, soundPlan] = source.plans;
  const example = source.pictures.newestVideo?.frame;
  refuseOtherCodecs(example?.codec);
  refuseReordered(source.pictures);
  if (!videoPlan || example?.codec !== 'h264') throw new NvrError('conflict', 'There are no H.264 pictures to send');
  const parameters = /profile-level-id=([\da-f]{6})/i.exec(videoPlan.parameters ?? '')?.[1] ?? '42e01f';
  const picture = chooseVideo(offer, parameters);
  const video = new Outlet({ ...videoPlan, payloadType: picture.codec.payloadType }, [0, 0]);
  const isG711 = soundPlan && /^PCM[AU]\/8000$/.test(soundPlan.encoding);
  const sound = isG711 ? chooseSound(offer, picture.media, soundPlan.encoding) : null;
  const soundType = sound && { payloadType: sound.codec.payloadType };
  const audio = soundType && soundPlan ? new Outlet(planG711({ ...soundPlan, ...soundType }), [0, 0]) : null;
  const chosen = [{ ...picture, ssrc: video.ssrc }, ...(sound && audio ? [{ ...sound, ssrc: audio.ssrc }] : [])];
  return { video, audio, chosen: offer.media.flatMap((media) => chosen.find((one) => one.media === media) ?? []) };
}
