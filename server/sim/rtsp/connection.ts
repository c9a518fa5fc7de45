// One client of the simulated RTSP camera.

import { encodeRtsp, parseTransport, type RtspMessage, RtspParser } from '../../media/rtsp.ts';
import type { UdpSocket } from '../../net/net.ts';
import type { ByteStream } from '../../net/stream.ts';
import type { ClipPicture } from './clip.ts';
import { CLOCK_RATE, PAYLOAD_TYPE, packetsOf } from './packets.ts';
import type { RtspSimulator } from './simulator.ts';

type Request = Extract<RtspMessage, { kind: 'request' }>;
type Outlet =
  | { readonly kind: 'tcp'; readonly channel: number }
  | { readonly kind: 'udp'; readonly sockets: readonly UdpSocket[]; readonly port: number };

const METHODS = 'OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN';
const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 302: 'Found', 401: 'Unauthorized', 404: 'Not Found' };
/** A client that does not read misses pictures instead of filling the memory. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const FIRST_SEQUENCE = 65_000;
const FIRST_TIMESTAMP = 2 ** 32 - 2 * CLOCK_RATE;

/** See the head of this file. */
export class RtspConnection {
  isPlaying = false;
  readonly #stream: ByteStream;
  readonly #camera: RtspSimulator;
  readonly #parser: RtspParser;
  readonly #onClosed: () => void;
  readonly #session = Math.floor(Math.random() * 1e9).toString();
  readonly #ssrc = Math.floor(Math.random() * 2 ** 32);
  #outlet: Outlet | null = null;
  #sequence = FIRST_SEQUENCE;
  #firstPicture = -1;
  #sent = 0;
  #needsKey = true;

  /** @param onClosed once, whoever closed */
  constructor(stream: ByteStream, camera: RtspSimulator, onClosed: () => void) {
    this.#stream = stream;
    this.#camera = camera;
    this.#onClosed = onClosed;
    this.#parser = new RtspParser({
      message: (message) => {
        if (message.kind === 'request') void this.#answer(message);
      },
      data: () => {},
    });
    stream.onEnd(() => void this.close());
    stream.onBytes((bytes) => {
      if (this.#camera.faults.silent) return;
      try {
        this.#parser.push(bytes);
      } catch {
        void this.close();
      }
    });
  }

  async close(): Promise<void> {
    this.isPlaying = false;
    this.#onClosed();
    const outlet = this.#outlet;
    this.#outlet = null;
    if (outlet?.kind === 'udp') for (const socket of outlet.sockets) await socket.close();
    await this.#stream.close();
  }

  /** Sends one picture if this client plays and can take it. */
  send(picture: ClipPicture, number: number): void {
    const { faults, options, random } = this.#camera;
    const { clip } = options;
    if (faults.stallAfter !== undefined && this.#sent >= faults.stallAfter) return;
    if (this.#stream.queuedBytes > MAX_QUEUED_BYTES) this.#needsKey = true;
    if (this.#needsKey && !picture.key) return;
    this.#needsKey = false;
    if (this.#firstPicture < 0) this.#firstPicture = number;
    const ticks = Math.round(((number - this.#firstPicture) * CLOCK_RATE) / clip.fps);
    const packets = packetsOf(clip, picture, FIRST_TIMESTAMP + ticks, this.#sequence, this.#ssrc);
    this.#sequence = (this.#sequence + packets.length) & 0xffff;
    const isLying = faults.lyingLengthsAfter !== undefined && this.#sent >= faults.lyingLengthsAfter;
    for (const packet of packets) if (!faults.loss || random() >= faults.loss) this.#sendPacket(packet, isLying);
    this.#sent++;
    if (faults.cutAfter !== undefined && this.#sent >= faults.cutAfter) {
      this.#stream.write(Uint8Array.from([0x24, 0, 4, 0, 0x80]));
      void this.close();
    }
  }

  #sendPacket(packet: Uint8Array, isLying: boolean): void {
    const outlet = this.#outlet;
    if (outlet?.kind === 'udp') {
      outlet.sockets[0]!.send(packet, { address: this.#stream.remote.address, port: outlet.port });
    } else if (outlet) {
      const length = isLying ? packet.length >> 1 : packet.length;
      const bytes = new Uint8Array(4 + packet.length);
      bytes.set([0x24, outlet.channel, length >> 8, length & 255]);
      bytes.set(packet, 4);
      this.#stream.write(bytes);
    }
  }

  async #answer(request: Request): Promise<void> {
    const { faults, gate, stats } = this.#camera;
    const { method, headers } = request;
    stats.requests[method] = (stats.requests[method] ?? 0) + 1;
    if (!gate.admits(method, headers.get('authorization'))) {
      stats.refused++;
      this.#reply(request, 401, { 'WWW-Authenticate': gate.challenge() });
      return;
    }
    if (faults.answer?.method === method) {
      this.#reply(request, faults.answer.status);
      return;
    }
    if (method === 'OPTIONS') this.#reply(request, 200, { Public: METHODS });
    else if (method === 'DESCRIBE') this.#describe(request);
    else if (method === 'SETUP') await this.#setUp(request);
    else if (method === 'PLAY') this.#play(request);
    else if (method === 'GET_PARAMETER') this.#reply(request, 200, { Session: this.#session });
    else if (method === 'TEARDOWN') {
      this.isPlaying = false;
      this.#reply(request, 200);
      await this.close();
    } else this.#reply(request, 501);
  }

  #describe(request: Request): void {
    const { faults, path, options, url } = this.#camera;
    if (faults.redirectTo !== undefined) {
      this.#reply(request, 302, { Location: faults.redirectTo });
      return;
    }
    const [asked, query] = request.uri.replace(/^rtsps?:\/\/[^/]*/i, '').split('?', 2);
    const channel = Number(new URLSearchParams(query).get('channel') ?? 1);
    const { channels = Number.POSITIVE_INFINITY } = options;
    if (asked !== path || !(channel >= 1 && channel <= channels)) {
      this.#reply(request, 404);
      return;
    }
    const { sps, pps, fps } = options.clip;
    const sets = [sps, pps].map((unit) => Buffer.from(unit).toString('base64')).join(',');
    const profile = Buffer.from(sps.subarray(1, 4)).toString('hex');
    const sdp = [
      ...['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=Simulated camera', 'c=IN IP4 192.0.2.1', 't=0 0', 'a=control:*'],
      ...[`m=video 0 RTP/AVP ${PAYLOAD_TYPE}`, `a=rtpmap:${PAYLOAD_TYPE} H264/${CLOCK_RATE}`, `a=framerate:${fps}`],
      `a=fmtp:${PAYLOAD_TYPE} packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets}`,
      ...['a=control:trackID=0', ''],
    ];
    const headers = { 'Content-Base': `${url}/`, 'Content-Type': 'application/sdp' };
    this.#reply(request, 200, headers, faults.sdp ?? sdp.join('\r\n'));
  }

  async #setUp(request: Request): Promise<void> {
    const text = request.headers.get('transport') ?? '';
    const transport = parseTransport(text);
    const { net, host, timeoutSeconds = 60 } = this.#camera.options;
    let answer: string;
    if (transport.interleaved) {
      this.#outlet = { kind: 'tcp', channel: transport.interleaved[0] };
      answer = `RTP/AVP/TCP;unicast;interleaved=${transport.interleaved.join('-')};ssrc=${this.#ssrc.toString(16)}`;
    } else if (transport.clientPort) {
      const sockets = [await net.openUdp({ address: host }), await net.openUdp({ address: host })];
      this.#outlet = { kind: 'udp', sockets, port: transport.clientPort[0] };
      answer = `${text};server_port=${sockets.map((socket) => socket.local.port).join('-')}`;
    } else {
      this.#reply(request, 461);
      return;
    }
    this.#reply(request, 200, { Transport: answer, Session: `${this.#session};timeout=${timeoutSeconds}` });
  }

  #play(request: Request): void {
    if (!this.#outlet || !(request.headers.get('session') ?? '').startsWith(this.#session)) {
      this.#reply(request, 454);
      return;
    }
    const info = `url=${this.#camera.url}/trackID=0;seq=${this.#sequence};rtptime=${FIRST_TIMESTAMP}`;
    this.#reply(request, 200, { Session: this.#session, Range: 'npt=0.000-', 'RTP-Info': info });
    this.isPlaying = true;
  }

  #reply(request: Request, status: number, headers: Record<string, string> = {}, body = ''): void {
    const sequence = request.headers.get('cseq');
    const all = { ...(sequence !== undefined && { CSeq: sequence }), ...headers, ...this.#camera.faults.headers };
    this.#stream.write(encodeRtsp(`RTSP/1.0 ${status} ${REASONS[status] ?? 'Status'}`, all, body));
  }
}
