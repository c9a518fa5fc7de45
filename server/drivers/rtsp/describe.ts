// Asks one RTSP server about several streams over one connection, without playing any: which channels a recorder has.

import type { VideoCodec } from '../../core/frame.ts';
import { isNvrError, NvrError } from '../../core/nvr-error.ts';
import { H264, h264Type, parseH264Sps } from '../../media/h264.ts';
import { h264SpropSets } from '../../media/h264-depacketizer.ts';
import { parseSdp, type SdpMedia } from '../../media/sdp.ts';
import { HttpAuth } from '../../net/http-auth.ts';
import type { ByteStream } from '../../net/stream.ts';
import type { DriverContext } from '../driver.ts';
import { RtspDialogue } from './dialogue.ts';
import type { RtspSource } from './open-rtsp.ts';
import { chooseTracks } from './tracks.ts';

const CODECS: Readonly<Record<string, VideoCodec>> = { H264: 'h264', H265: 'h265', JPEG: 'mjpeg' };

/** What a description says; sizes are `null` where it does not. */
export type DescribedStream = {
  readonly codec: VideoCodec;
  readonly width: number | null;
  readonly height: number | null;
};

/** Where to ask. */
export type DescriberSource = Pick<RtspSource, 'endpoint' | 'credentials'> & { readonly peer: string };

/** See the head of this file. Dispose it. */
export class RtspDescriber implements AsyncDisposable {
  readonly #source: DescriberSource;
  readonly #context: DriverContext;
  /** Kept over connections: the challenge is the same. */
  readonly #auth: HttpAuth;
  #stream: ByteStream | null = null;
  #dialogue: RtspDialogue | null = null;
  readonly #onAbort = () => void this[Symbol.asyncDispose]();

  constructor(source: DescriberSource, context: DriverContext) {
    this.#source = source;
    this.#context = context;
    this.#auth = new HttpAuth(source.credentials);
    context.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * One question. Firmware that hangs up after an error is asked again on a new connection, once.
   * @returns `null` when there is no such stream, or none that Perch reads
   * @throws NvrError `refused`, `unavailable`, `timeout`, `cancelled`
   */
  async describe(url: string): Promise<DescribedStream | null> {
    const wasOpen = this.#dialogue !== null;
    try {
      return await this.#ask(url);
    } catch (error) {
      if (isNvrError(error, 'protocol') || isNotThere(error)) return null;
      const hungUp = isNvrError(error, 'unavailable') && error.context.reason === undefined && wasOpen;
      if (!hungUp || this.#context.signal.aborted) throw this.#orCancelled(error);
      await this.#close();
      return await this.#ask(url).catch((second: unknown) => {
        if (isNvrError(second, 'protocol') || isNotThere(second)) return null;
        throw this.#orCancelled(second);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.signal.removeEventListener('abort', this.#onAbort);
    await this.#close();
  }

  async #ask(url: string): Promise<DescribedStream | null> {
    const dialogue = await this.#open();
    const { body } = await dialogue.request('DESCRIBE', url, { Accept: 'application/sdp' });
    return readVideo(chooseTracks(parseSdp(body), this.#source.peer).video);
  }

  async #open(): Promise<RtspDialogue> {
    if (this.#dialogue) return this.#dialogue;
    const { net, clock, signal } = this.#context;
    const stream = await net.streams.connect({ ...this.#source.endpoint, signal });
    this.#stream = stream;
    const dialogue = new RtspDialogue({
      ...{ stream, clock, auth: this.#auth, peer: this.#source.peer, replyMatch: 'strict' as const },
      onData: () => {},
      onEnd: () => {},
    });
    this.#dialogue = dialogue;
    return dialogue;
  }

  async #close(): Promise<void> {
    const [stream, dialogue] = [this.#stream, this.#dialogue];
    this.#stream = null;
    this.#dialogue = null;
    dialogue?.end(new NvrError('cancelled', 'The questions are over'));
    await stream?.close();
  }

  #orCancelled(error: unknown): unknown {
    return this.#context.signal.aborted ? new NvrError('cancelled', 'Cancelled', { cause: error }) : error;
  }
}

const isNotThere = (error: unknown) => isNvrError(error, 'unavailable') && error.context.reason === 'notFound';

function readVideo({ encoding, fmtp, size }: SdpMedia): DescribedStream {
  const codec = CODECS[encoding] ?? 'h264';
  const sets = codec === 'h264' ? h264SpropSets(fmtp.get('sprop-parameter-sets') ?? '') : [];
  const set = sets.find((unit) => h264Type(unit) === H264.sps);
  const found = (set && parseH264Sps(set)) ?? size;
  return { codec, width: found?.width ?? null, height: found?.height ?? null };
}
