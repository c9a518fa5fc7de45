// One client: its paths (ICE), its keys, its pictures, and what it says about them.

import type { Clock } from '../core/clock.ts';
import { parseFeedback } from '../media/rtcp-feedback.ts';
import { type BindingRequest, encodeBindingSuccess, isAuthentic } from '../media/stun.ts';
import type { Endpoint } from '../net/net.ts';
import type { MediaSource } from '../rtsp-out/media-source.ts';
import type { Outlet } from '../rtsp-out/outlet.ts';
import { KeptPackets } from './kept-packets.ts';
import { CONNECT_MS, CONSENT_MS, MAX_CONTROL_PER_SECOND, MAX_PATHS } from './limits.ts';
import { SecurePath, type Security } from './secure-path.ts';
import { Sender } from './sender.ts';

/** The first bytes of what shares the port (RFC 7983). */
const DTLS_FIRST = { min: 20, max: 63 } as const;
const RTP_FIRST = { min: 128, max: 191 } as const;
const RTCP_TYPE = { min: 192, max: 223 } as const;

/** What {@link Session} works with. */
export type SessionOptions = {
  readonly id: string;
  readonly cameraId: string;
  /** Who asked, as one place. */
  readonly place: string;
  readonly iceName: string;
  readonly icePassword: string;
  readonly remoteName: string;
  readonly fingerprints: readonly string[];
  readonly security: Security;
  readonly source: MediaSource;
  readonly video: Outlet;
  readonly audio: Outlet | null;
  readonly cname: string;
  readonly clock: Clock;
  readonly send: (datagram: Uint8Array, to: Endpoint) => void;
  /** A new path of this session. */
  readonly onPath: (path: string) => void;
  readonly onClosed: (why: string) => void;
};

/** Address and port as one word. */
export const pathOf = ({ address, port }: Endpoint): string => `${address}:${port}`;

/** See the head of this file. Close it. */
export class Session {
  readonly options: SessionOptions;
  readonly paths = new Set<string>();
  readonly #secure: SecurePath;
  readonly #sender: Sender;
  readonly #kept: ReadonlyMap<number, KeptPackets>;
  readonly #openedMs: number;
  #heardMs: number;
  #peer: Endpoint | null = null;
  #isNominated = false;
  #control = 0;
  #closed = false;

  constructor(options: SessionOptions) {
    this.options = options;
    const { clock, security, fingerprints, source, video, audio, cname } = options;
    this.#openedMs = this.#heardMs = clock.monoMs();
    this.#kept = new Map([video, audio].flatMap((outlet) => (outlet ? [[outlet.ssrc, new KeptPackets()]] : [])));
    this.#secure = new SecurePath({
      ...{ security, fingerprints },
      send: (datagram) => this.#out(datagram),
      onReady: () => this.#sender.start(),
      onClosed: (why) => this.close(why),
    });
    this.#sender = new Sender({
      ...{ source, video, audio, clock, cname },
      send: (packet) => this.#sendRtp(packet),
      control: (packet) => this.#out(this.#secure.sealRtcp(packet)),
      onFormat: () => this.close('the camera sends another codec, or B-frames'),
    });
  }

  /** Whether the handshakes are done. */
  get isConnected(): boolean {
    return this.#secure.isReady;
  }

  /** A check of a path; answered when its sender knows the password. */
  check(request: BindingRequest, from: Endpoint): void {
    const { icePassword, remoteName, clock, send, onPath } = this.options;
    if (this.#closed || request.remoteName !== remoteName || !isAuthentic(request, icePassword)) return;
    const path = pathOf(from);
    if (!this.paths.has(path)) {
      if (this.paths.size >= MAX_PATHS) return;
      this.paths.add(path);
      onPath(path);
    }
    this.#heardMs = clock.monoMs();
    // The client decides; before it has, the first path that works carries the handshake.
    if (request.nominates || (!this.#isNominated && !this.#peer)) this.#peer = from;
    if (request.nominates) this.#isNominated = true;
    send(encodeBindingSuccess(request, from, icePassword), from);
  }

  /** Anything else from one of its paths. */
  receive(datagram: Uint8Array): void {
    const first = datagram[0] ?? 0;
    if (first >= DTLS_FIRST.min && first <= DTLS_FIRST.max) this.#secure.receive(datagram);
    const type = datagram[1] ?? 0;
    const isControl = type >= RTCP_TYPE.min && type <= RTCP_TYPE.max;
    if (first >= RTP_FIRST.min && first <= RTP_FIRST.max && isControl) this.#readControl(datagram);
  }

  /** Does what is due; called about once a second. */
  tick(nowMs: number): void {
    this.#control = 0;
    if (!this.isConnected && nowMs - this.#openedMs > CONNECT_MS) this.close('no connection came about');
    else if (nowMs - this.#heardMs > CONSENT_MS) this.close('the client is gone');
    else this.#sender.tick(nowMs);
  }

  /** Says goodbye and frees everything. Idempotent. */
  close(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const { video, audio, source, onClosed } = this.options;
    this.#sender[Symbol.dispose]();
    for (const outlet of audio ? [video, audio] : [video]) this.#out(this.#secure.sealRtcp(goodbye(outlet)));
    this.#secure.close();
    source[Symbol.dispose]();
    onClosed(why);
  }

  #readControl(datagram: Uint8Array): void {
    if (++this.#control > MAX_CONTROL_PER_SECOND) return;
    const bytes = this.#secure.openRtcp(datagram);
    if (!bytes) return;
    const nowMs = this.options.clock.monoMs();
    this.#heardMs = nowMs;
    for (const word of parseFeedback(bytes)) {
      if (word.kind === 'keyWanted') this.#sender.wantKey();
      if (word.kind === 'bye') this.close('the client has ended the session');
      if (word.kind !== 'lost') continue;
      const kept = this.#kept.get(word.ssrc);
      for (const sequence of word.sequences) this.#out(kept?.again(sequence, nowMs) ?? null);
    }
  }

  #sendRtp(packet: Uint8Array): void {
    const sealed = this.#secure.sealRtp(packet);
    if (!sealed) return;
    this.#kept.get(sealed.readUInt32BE(8))?.keep(sealed.readUInt16BE(2), sealed);
    this.#out(sealed);
  }

  #out(datagram: Uint8Array | null): void {
    if (datagram && this.#peer) this.options.send(datagram, this.#peer);
  }
}

/** Behind the four bytes that RTSP puts in front. */
const goodbye = (outlet: Outlet) => outlet.bye().subarray(4);
