// A bare RTSP client for tests: says what it is told, keeps what comes.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseRtp, type RtpPacket } from '../media/rtp.ts';
import { RtspParser, type RtspResponse } from '../media/rtsp.ts';

/** An `Authorization` header. */
export const basic = (username: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

type Headers = Readonly<Record<string, string>>;

/** See the head of this file. Dispose it. */
export class RtspClient implements Disposable {
  readonly socket: Socket;
  /** Every interleaved packet: channel and bytes. */
  readonly packets: { readonly channel: number; readonly bytes: Uint8Array }[] = [];
  readonly replies: RtspResponse[] = [];
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>;
  session = '';
  #sequence = 0;
  #wake: () => void = () => {};

  static async open(port: number, host = '127.0.0.1'): Promise<RtspClient> {
    const socket = connect({ port, host });
    await once(socket, 'connect');
    return new RtspClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    const parser = new RtspParser({
      message: (message) => {
        if (message.kind === 'response') this.replies.push(message);
      },
      data: (channel, payload) => this.packets.push({ channel, bytes: new Uint8Array(payload) }),
    });
    socket.on('data', (bytes) => {
      parser.push(bytes);
      this.#wake();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#wake();
        resolve();
      });
    });
  }

  /** Sends bytes as they are. */
  say(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** One request, and its reply. */
  async ask(method: string, uri: string, headers: Headers = {}): Promise<RtspResponse> {
    const lines = [`${method} ${uri} RTSP/1.0`, `CSeq: ${++this.#sequence}`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    if (this.session !== '' && method !== 'DESCRIBE') lines.push(`Session: ${this.session}`);
    const count = this.replies.length;
    this.say(`${lines.join('\r\n')}\r\n\r\n`);
    await this.until(() => this.replies.length > count);
    const reply = this.replies[count]!;
    const session = reply.headers.get('session');
    if (session) this.session = session.split(';')[0]!;
    return reply;
  }

  /** Describes, sets up all tracks on channels 0-1, 2-3..., and plays. @returns the description */
  async play(url: string, headers: Headers = {}): Promise<string> {
    const described = await this.ask('DESCRIBE', url, { Accept: 'application/sdp', ...headers });
    if (described.status !== 200) throw new Error(`DESCRIBE ${described.status}`);
    const sdp = Buffer.from(described.body).toString();
    const tracks = sdp.match(/^m=/gm)?.length ?? 0;
    for (let n = 0; n < tracks; n++) {
      const transport = `RTP/AVP/TCP;unicast;interleaved=${2 * n}-${2 * n + 1}`;
      const { status } = await this.ask('SETUP', `${url}/trackID=${n}`, { Transport: transport });
      if (status !== 200) throw new Error(`SETUP ${status}`);
    }
    const { status } = await this.ask('PLAY', url, { Range: 'npt=0.000-' });
    if (status !== 200) throw new Error(`PLAY ${status}`);
    return sdp;
  }

  /** RTP packets of a track so far. */
  rtp(track = 0): RtpPacket[] {
    return this.packets.filter(({ channel }) => channel === 2 * track).map(({ bytes }) => parseRtp(bytes)!);
  }

  /** RTCP packets of a track so far. */
  rtcp(track = 0): Uint8Array[] {
    return this.packets.filter(({ channel }) => channel === 2 * track + 1).map(({ bytes }) => bytes);
  }

  /** Waits until it is so; looks whenever something has come. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.socket.destroyed) throw new Error('The server has closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
