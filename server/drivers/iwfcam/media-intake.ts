// Media of one session: from datagrams to frames in the queue, with acknowledgements. The hot path: per packet no
// allocation and no look-up by text; what is rare is counted in a Tally.

import type { Clock, Timer } from '../../core/clock.ts';
import type { Instant } from '../../core/frame.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { Tally } from '../../core/tally.ts';
import { blockSamples } from '../../media/ima-adpcm.ts';
import type { FrameQueue } from '../frame-queue.ts';
import { AckQueue } from './ack.ts';
import { Assembler, type AssemblerCount, type Picture, type Sound } from './assembler.ts';
import { dialect, limits, sound as soundFormat, timing } from './dialect.ts';
import type { StreamWatch } from './machine-types.ts';
import { type DropReason, newMediaPacket, parseMedia } from './wire.ts';

/** What may happen to a datagram. */
export type IntakeCount = DropReason | AssemblerCount | 'wrongSession' | 'staleMedia';

/** What an intake needs and whom it tells. */
export type IntakeOptions = {
  readonly clock: Clock;
  readonly time: () => Instant;
  readonly queue: FrameQueue;
  readonly tally: Pick<Tally<IntakeCount>, 'add'>;
  /** Sends to the camera's media port. */
  readonly send: (bytes: Uint8Array) => void;
  /** The first media packet that was expected; its session number. */
  readonly onFirst: (session: number) => void;
  /** The stream cannot be used. */
  readonly onTrouble: (error: NvrError) => void;
};

/** Instead of a session number: nothing is expected, or the first that comes. */
export const NO_SESSION = -2;
/** The first media that comes is ours: the camera did not answer the login. */
export const ANY_SESSION = -1;

/** Receives the media of one session. */
export class MediaIntake {
  pictures = 0;
  sounds = 0;
  readonly #options: IntakeOptions;
  readonly #acks = new AckQueue();
  readonly #packet = newMediaPacket();
  readonly #assembler: Assembler;
  #expected = NO_SESSION;
  #isFirst = true;
  #ackTimer: Timer | null = null;
  #mediaMs = -1;
  #pictureMs = -1;
  #strangeSinceMs = -1;
  #strangeMs = -1;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#assembler = new Assembler(
      {
        picture: (picture) => this.#onPicture(picture),
        sound: (block) => this.#onSound(block),
        finished: (frameIndex, isWhole) => this.#onFinished(frameIndex, isWhole),
      },
      options.tally,
    );
  }

  /** Which media is ours from now on: a session number, {@link ANY_SESSION} or {@link NO_SESSION}. */
  expect(session: number): void {
    this.#expected = session;
  }

  /** Pictures that arrived damaged or incomplete. */
  get lostPictures(): number {
    return this.#assembler.lostPictures;
  }

  /** Bytes of datagrams kept for unfinished pictures. */
  get heldBytes(): number {
    return this.#assembler.held.bytes;
  }

  /** What the machine's watchdog wants to know. */
  get watch(): StreamWatch {
    return {
      mediaMs: this.#mediaMs,
      pictureMs: this.#pictureMs,
      strangeSinceMs: this.#strangeSinceMs,
      strangeMs: this.#strangeMs,
    };
  }

  /** A media datagram from the camera's address and port. */
  receive(bytes: Uint8Array): void {
    const { tally, clock } = this.#options;
    const expected = this.#expected;
    if (expected === NO_SESSION) {
      tally.add('staleMedia'); // the stream of a session that a crash left open
      return;
    }
    const packet = this.#packet;
    const drop = parseMedia(bytes, packet, dialect.anyMediaOffset);
    if (drop !== null) {
      tally.add(drop);
      return;
    }
    const nowMs = clock.monoMs();
    if (packet.session !== expected && expected !== ANY_SESSION) {
      tally.add('wrongSession');
      if (this.#strangeSinceMs < 0) this.#strangeSinceMs = nowMs;
      this.#strangeMs = nowMs;
      return;
    }
    this.#mediaMs = nowMs;
    this.#strangeSinceMs = -1;
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#options.onFirst(packet.session);
    }
    this.#assembler.push(packet, bytes, nowMs);
    if (this.#acks.countPacket()) this.#flushAcks();
  }

  /** Gives up pictures that stopped growing. */
  expire(nowMs: number): void {
    this.#assembler.expire(nowMs);
  }

  /** Frees the timer. */
  close(): void {
    this.#expected = NO_SESSION;
    this.#ackTimer?.cancel();
    this.#ackTimer = null;
  }

  #onPicture(picture: Picture): void {
    this.pictures++;
    this.#pictureMs = this.#mediaMs;
    const { at, monoMs } = this.#options.time();
    this.#options.queue.push({ kind: 'video', codec: 'mjpeg', key: true, ...picture, at, monoMs });
  }

  #onSound(block: Sound): void {
    this.sounds++;
    const { at, monoMs } = this.#options.time();
    const samples = blockSamples(block.data.length);
    this.#options.queue.push({ kind: 'audio', codec: 'ima-adpcm', ...soundFormat, samples, ...block, at, monoMs });
  }

  #onFinished(frameIndex: number, isWhole: boolean): void {
    if (!isWhole) this.#checkCodec();
    const isWanted = dialect.sendAcknowledgements && (isWhole || dialect.acknowledgeAbandoned);
    if (!isWanted || this.#expected === NO_SESSION) return;
    this.#acks.add(frameIndex);
    this.#ackTimer ??= this.#options.clock.after(timing.acknowledgeMs, () => this.#flushAcks());
  }

  #checkCodec(): void {
    const { pictures, looksLikeH264 } = this.#assembler.codecTrouble;
    if (pictures < limits.badPictures) return;
    const what = looksLikeH264 ? 'H.264' : 'pictures that are no JPEG';
    this.#options.onTrouble(new NvrError('protocol', `The camera sends ${what}; this driver reads JPEG only`));
  }

  #flushAcks(): void {
    this.#ackTimer?.cancel();
    this.#ackTimer = null;
    if (this.#expected < 0) return;
    const bytes = this.#acks.take(this.#expected);
    if (bytes) this.#options.send(bytes);
  }
}
