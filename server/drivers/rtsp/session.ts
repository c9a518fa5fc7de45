// One life of one RTSP connection: set-up, play, keep-alive, watch, goodbye.

import type { Timer } from '../../core/clock.ts';
import type { Frame } from '../../core/frame.ts';
import { isNvrError, NvrError, toNvrError } from '../../core/nvr-error.ts';
import { Tally } from '../../core/tally.ts';
import { parseRtpInfo, parseSession, parseTransport, type RtspResponse } from '../../media/rtsp.ts';
import { controlUrl, parseSdp, type SdpMedia } from '../../media/sdp.ts';
import type { HttpAuth } from '../../net/http-auth.ts';
import type { ByteStream } from '../../net/stream.ts';
import type { CameraSession, DriverContext, SessionCounters } from '../driver.ts';
import { FrameQueue } from '../frame-queue.ts';
import { RtspDialogue } from './dialogue.ts';
import { factText, failure } from './failures.ts';
import { limits, timing } from './limits.ts';
import { chooseBase, type RtspPolicies } from './policies.ts';
import { type RtspCount, Track } from './track.ts';
import { chooseTracks } from './tracks.ts';
import { UdpPorts } from './udp-ports.ts';

/** How packets come. */
export type RtspTransportKind = 'tcp' | 'udp';

/** What `openRtsp` prepared. */
export type RtspSessionParts = {
  readonly stream: ByteStream;
  /** The address as the camera hears it; never logged, it may carry credentials. */
  readonly requestUrl: string;
  readonly auth: HttpAuth;
  /** `host:port` for messages. */
  readonly peer: string;
  readonly transport: RtspTransportKind;
  readonly policies: RtspPolicies;
};

const SSRC = 0x50455243;

/** A playing session. Made by `openRtsp`; lives until it fails or is disposed. */
export class RtspSession implements CameraSession {
  readonly facts: Record<string, string | number | boolean> = {};
  readonly #context: DriverContext;
  readonly #parts: RtspSessionParts;
  readonly #dialogue: RtspDialogue;
  readonly #queue = new FrameQueue({ frames: limits.queueFrames, bytes: limits.queueBytes });
  readonly #tally = new Tally<RtspCount>();
  readonly #tracks: Track[] = [];
  readonly #ports: UdpPorts[] = [];
  /** By interleaved channel. */
  readonly #channels = new Map<number, (bytes: Uint8Array) => void>();
  readonly #timers = new Map<string, Timer>();
  #base = '';
  #keepAliveMethod = 'OPTIONS';
  #timeoutSeconds = 60;
  #packetMs: number;
  #pictureMs: number;
  #bytes = 0;
  #pictures = 0;
  #sounds = 0;
  #isPlaying = false;
  #closing: Promise<void> | null = null;
  readonly #onAbort = () =>
    void this.#close(new NvrError('cancelled', 'The session was closed', { cause: this.#context.signal.reason }));

  constructor(parts: RtspSessionParts, context: DriverContext) {
    this.#parts = parts;
    this.#context = context;
    this.#packetMs = this.#pictureMs = context.clock.monoMs();
    this.#dialogue = new RtspDialogue({
      ...{ stream: parts.stream, clock: context.clock, auth: parts.auth, peer: parts.peer },
      replyMatch: parts.policies.replyMatch,
      onData: (channel, payload) => this.#onData(channel, payload),
      onEnd: (reason) => void this.#close(reason),
    });
    context.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (context.signal.aborted) this.#onAbort();
  }

  frames(): AsyncIterable<Frame> {
    return this.#queue.read();
  }

  counters(): SessionCounters {
    const damaged = this.#tracks
      .filter(({ media }) => media.kind === 'video')
      .reduce((sum, track) => sum + track.damaged, 0);
    return {
      framesDropped: damaged + this.#queue.droppedPictures,
      details: {
        bytes: this.#bytes,
        pictures: this.#pictures,
        sounds: this.#sounds,
        picturesNotRead: this.#queue.droppedPictures,
        soundsNotRead: this.#queue.droppedSounds,
        garbageBytes: this.#dialogue.garbageBytes,
        strangers: this.#ports.reduce((sum, ports) => sum + ports.strangers, 0),
        ...this.#tally.toJSON(),
      },
    };
  }

  /** Bytes of unfinished frames: for tests of the bounds. */
  get heldBytes(): number {
    return this.#tracks.reduce((sum, track) => sum + track.heldBytes, 0);
  }

  /** Says goodbye and closes everything; at most about a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(new NvrError('cancelled', 'The session was closed'));
  }

  /** Describes, sets up, plays. @throws NvrError; everything is free by then */
  async start(): Promise<void> {
    try {
      await this.#setUp();
    } catch (error) {
      const reason = toNvrError(error);
      await this.#close(reason);
      // An abort ends the dialogue with its own words; the reason stays `cancelled`.
      throw this.#context.signal.aborted ? new NvrError('cancelled', 'Cancelled', { cause: reason }) : reason;
    }
  }

  async #setUp(): Promise<void> {
    const { requestUrl, peer, policies, transport } = this.#parts;
    await this.#askOptions();
    const described = await this.#dialogue.request('DESCRIBE', requestUrl, { Accept: 'application/sdp' });
    this.#context.step?.('login');
    const sdp = parseSdp(described.body);
    this.#base = chooseBase(policies.base, requestUrl, described.headers);
    const { video, audio, audioLeftOut } = chooseTracks(sdp, peer);
    Object.assign(this.facts, { peer, transport, video: video.encoding });
    if (audioLeftOut !== null) this.facts.soundLeftOut = audioLeftOut;
    await this.#setUpTrack(video);
    if (audio) await this.#setUpSound(audio);
    const aggregate = controlUrl(this.#base, sdp.control);
    const played = await this.#dialogue.request('PLAY', aggregate, { Range: 'npt=0.000-' });
    this.#noteRtpInfo(played);
    this.#base = aggregate;
    this.#isPlaying = true;
    this.#packetMs = this.#pictureMs = this.#context.clock.monoMs();
    this.#watch();
    this.#scheduleKeepAlive();
    if (transport === 'udp') this.#scheduleReports();
  }

  /** Learns how to keep the session alive. Only refused credentials matter here; some firmware does not know OPTIONS. */
  async #askOptions(): Promise<void> {
    try {
      const reply = await this.#dialogue.request('OPTIONS', this.#parts.requestUrl);
      if (/\bGET_PARAMETER\b/i.test(reply.headers.get('public') ?? '')) this.#keepAliveMethod = 'GET_PARAMETER';
      const server = factText(reply.headers.get('server') ?? '');
      if (server !== '') this.facts.server = server;
    } catch (error) {
      if (!isNvrError(error, 'protocol') || error.context.reason !== 'status') throw error;
    }
  }

  async #setUpSound(audio: SdpMedia): Promise<void> {
    try {
      await this.#setUpTrack(audio);
      this.facts.sound = audio.encoding;
    } catch (error) {
      const isOurs = isNvrError(error) && (error.code === 'protocol' || error.context.reason === 'notFound');
      if (!isOurs || this.#parts.policies.soundFailure === 'fail') throw error;
      this.facts.soundLeftOut = audio.encoding;
    }
  }

  async #setUpTrack(media: SdpMedia): Promise<void> {
    const { transport, policies, peer, stream } = this.#parts;
    const track = new Track({
      ...{ media, tally: this.#tally, time: this.#context.time, mediaZero: policies.mediaZero },
      isDatagram: transport === 'udp',
      onFrame: (frame) => this.#onFrame(frame),
    });
    const uri = controlUrl(this.#base, media.control);
    const channel = this.#tracks.length * 2;
    if (transport === 'tcp') {
      const reply = await this.#setUpRequest(uri, `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`);
      // Firmware chooses other channels, or forgets to repeat ours.
      const [rtp, rtcp] = parseTransport(reply.headers.get('transport') ?? '').interleaved ?? [channel, channel + 1];
      if (this.#channels.has(rtp))
        throw failure('protocol', 'transport', `${peer} gives two streams the same channel`, peer);
      this.#channels.set(rtp, (bytes) => this.#onRtp(track, bytes));
      if (!this.#channels.has(rtcp)) this.#channels.set(rtcp, (bytes) => track.onRtcp(bytes));
    } else {
      const ports = await UdpPorts.open(this.#context.net, stream.remote.address);
      if (this.#closing) await ports[Symbol.asyncDispose]();
      else this.#ports.push(ports);
      const reply = await this.#setUpRequest(uri, `RTP/AVP;unicast;client_port=${ports.clientPorts}`);
      const { serverPort, interleaved } = parseTransport(reply.headers.get('transport') ?? '');
      if (interleaved) throw failure('protocol', 'transport', `${peer} sends over TCP only; choose TCP`, peer);
      ports.start(
        serverPort,
        (bytes) => this.#onRtp(track, bytes),
        (bytes) => track.onRtcp(bytes),
      );
    }
    this.#tracks.push(track);
  }

  async #setUpRequest(uri: string, transport: string): Promise<RtspResponse> {
    const reply = await this.#dialogue.request('SETUP', uri, { Transport: transport });
    const session = parseSession(reply.headers.get('session') ?? '');
    if (session) {
      this.#dialogue.session ??= session.id;
      this.#timeoutSeconds = session.timeoutSeconds;
    }
    return reply;
  }

  /** By address where it can be told, else by order. */
  #noteRtpInfo(played: RtspResponse): void {
    const text = played.headers.get('rtp-info');
    if (text === undefined) return;
    const entries = parseRtpInfo(text);
    for (const [index, track] of this.#tracks.entries()) {
      const { control } = track.media;
      const entry = entries.find(({ url }) => control !== '' && url.endsWith(control)) ?? entries[index];
      track.rtpTime = entry?.rtpTime ?? null;
    }
  }

  // Receiving

  #onData(channel: number, payload: Uint8Array): void {
    const handler = this.#channels.get(channel);
    if (handler) handler(payload);
    else this.#tally.add('unassigned');
  }

  #onRtp(track: Track, bytes: Uint8Array): void {
    if (this.#closing) return;
    this.#bytes += bytes.length;
    this.#packetMs = this.#context.clock.monoMs();
    track.onRtp(bytes);
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === 'video') {
      this.#pictures++;
      this.#pictureMs = frame.monoMs;
    } else this.#sounds++;
    this.#queue.push(frame);
  }

  // Timers

  #after(name: string, delayMs: number, work: () => void): void {
    this.#timers.get(name)?.cancel();
    if (!this.#closing) this.#timers.set(name, this.#context.clock.after(delayMs, work));
  }

  #watch(): void {
    this.#after('watch', timing.checkMs, () => {
      const nowMs = this.#context.clock.monoMs();
      if (nowMs - this.#packetMs >= timing.silenceMs) void this.#close(this.#silence());
      else if (nowMs - this.#pictureMs >= timing.noPictureMs) void this.#close(this.#noPicture());
      else this.#watch();
    });
  }

  #silence(): NvrError {
    const { peer, transport } = this.#parts;
    const isFirst = this.#tally.get('packets') === 0;
    const hint = isFirst && transport === 'udp' ? '; a firewall may be in the way of UDP, choose TCP' : '';
    const what = isFirst
      ? 'accepted the request but sends nothing'
      : `stopped sending: nothing for ${timing.silenceMs / 1000} s`;
    return failure('timeout', 'stalled', `${peer} ${what}${hint}`, peer);
  }

  #noPicture(): NvrError {
    const { peer, transport } = this.#parts;
    const has = (count: RtspCount) => this.#tally.get(count) > 0;
    const why = has('damaged')
      ? `its pictures arrive damaged${transport === 'udp' ? '; choose TCP' : ''}`
      : has('beforeKey')
        ? 'it sends no key frame; lower the key frame interval in the camera’s settings'
        : has('unsupported')
          ? 'its packets are of a kind that Perch cannot read'
          : 'what it sends are no pictures';
    return failure('timeout', 'stalled', `No picture from ${peer} for ${timing.noPictureMs / 1000} s: ${why}`, peer);
  }

  #scheduleKeepAlive(): void {
    const halfMs = (this.#timeoutSeconds * 1000) / 2;
    const delayMs = Math.min(timing.keepAliveMaxMs, Math.max(timing.keepAliveMinMs, halfMs));
    this.#after('keepAlive', delayMs, () => void this.#keepAlive());
  }

  /** A reply that is missing or strange is no reason to leave while pictures come; a lost session or wrong password is. */
  async #keepAlive(): Promise<void> {
    try {
      await this.#dialogue.request(this.#keepAliveMethod, this.#base);
    } catch (error) {
      const reason = toNvrError(error);
      if (reason.code === 'refused' || reason.context.reason === 'session') {
        await this.#close(reason);
        return;
      }
      if (this.#keepAliveMethod !== 'OPTIONS' && reason.code === 'protocol') this.#keepAliveMethod = 'OPTIONS';
    }
    this.#scheduleKeepAlive();
  }

  #scheduleReports(): void {
    this.#after('reports', timing.receiverReportMs, () => {
      for (const [index, track] of this.#tracks.entries()) {
        const report = track.report(SSRC + index);
        if (report) this.#ports[index]?.sendRtcp(report);
      }
      this.#scheduleReports();
    });
  }

  // The end

  #close(reason: NvrError): Promise<void> {
    this.#closing ??= this.#leave(reason);
    return this.#closing;
  }

  async #leave(reason: NvrError): Promise<void> {
    this.#queue.end(reason);
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#context.signal.removeEventListener('abort', this.#onAbort);
    if (this.#dialogue.session !== null && this.#parts.policies.goodbye === 'teardown') await this.#sayGoodbye();
    this.#dialogue.end(reason);
    await Promise.all([this.#parts.stream.close(), ...this.#ports.map((ports) => ports[Symbol.asyncDispose]())]);
    this.#context.log.debug({ reason: reason.code, ...this.counters().details }, 'RTSP session ended');
  }

  async #sayGoodbye(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#context.clock.after(timing.goodbyeMs, late.resolve);
    const uri = this.#isPlaying ? this.#base : this.#parts.requestUrl;
    await Promise.race([
      this.#dialogue.request('TEARDOWN', uri).then(
        () => {},
        () => {},
      ),
      late.promise,
    ]);
    timer.cancel();
  }
}
