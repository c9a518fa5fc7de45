// The device itself: slots, timeouts, the counter of all media, and one stream per client. It knows no sockets: what
// arrives goes through its behaviors, what leaves goes to `transmit`.

import type { Clock, Timer } from '../../core/clock.ts';
import {
  encodeAudio,
  encodeCommand,
  encodeDeviceHeartbeat,
  type Identity,
  liveMask,
  mediaKind,
  type Packet,
} from '../../drivers/iwfcam/wire.ts';
import type { Endpoint } from '../../net/net.ts';
import { CountedPictures } from '../counted-pictures.ts';
import type { Picture } from '../pictures.ts';
import { badStreamPacket } from './bad-packets.ts';
import { type Behavior, defaultBehaviors } from './behaviors.ts';
import { ClientStream } from './client-stream.ts';
import type { IwfcamOptions } from './options.ts';
import { PreparedPicture } from './prepared-picture.ts';
import { Sensor } from './sensor.ts';
import { type Slot, SlotTable } from './slots.ts';
import { newStats } from './stats.ts';
import { INITIAL_FPS_CAP, VendorWindow, windowFrames } from './vendor-window.ts';

/** Which of the two sockets. */
export type Door = 'discovery' | 'media';

/** One datagram that the camera understood. */
export type Request = {
  readonly packet: Packet;
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
  readonly door: Door;
};

/** What the world gives a camera. */
export type CameraWorld = {
  readonly transmit: (bytes: Uint8Array, to: Endpoint, door: Door) => void;
  /** Something happened that a test may wait for. */
  readonly onChange: () => void;
  /** The last session ended. */
  readonly onIdle: () => void;
};

/** Timeouts of the vendor's device code (sections 7.5, 10 and 12). */
const STREAMING_TIMEOUT_MS = 6000;
const IDLE_TIMEOUT_MS = 45_000;
const HEARTBEAT_MS = 15_000;
const RESEND_MS = 4000;

/** Between good fragments, one bad packet after this many. */
const HOSTILE_EVERY = 3;

/** A running camera. */
export class IwfcamCamera {
  readonly options: IwfcamOptions;
  readonly stats = newStats();
  /** Asked in this order; the first that answers wins. A test may put its own in front. */
  readonly behaviors: Behavior[];
  readonly identity: Identity;
  /** Its media port now. */
  mediaPort = 0;
  /** The port on which it answers discovery. */
  discoveryPort = 0;
  /** Makes its pictures and sound. */
  readonly sensor: Sensor;
  slots: SlotTable;
  readonly #world: CameraWorld;
  readonly #clock: Clock;
  readonly #streams = new Map<Slot, ClientStream>();
  readonly #slotTimers = new Map<Slot, Timer>();
  #badPackets = 0;

  constructor(options: IwfcamOptions, world: CameraWorld) {
    this.options = options;
    this.#world = world;
    this.#clock = options.clock;
    this.identity = options.cloudId;
    this.behaviors = [...options.behaviors, ...defaultBehaviors];
    this.slots = new SlotTable(options.slots, options.whenFull);
    this.sensor = new Sensor({
      clock: options.clock,
      reader: (options.pictures ?? new CountedPictures({ seed: options.seed })).reader(),
      fps: options.fps,
      firstFrameIndex: options.firstFrameIndex,
      onPicture: (picture, frameIndex) => this.#onPicture(picture, frameIndex),
      onSound: (block, frameIndex) => this.#onSound(block, frameIndex),
      onMissed: (count) => {
        this.stats.ticksMissed += count;
      },
    });
  }

  /** @returns the name of the behavior that answered, or `null` */
  receive(request: Request): string | null {
    return this.behaviors.find((behavior) => behavior.answer(request, this))?.name ?? null;
  }

  /** The slot of a peer packet's sender; it counts as heard, whatever the packet says. */
  heard(from: Endpoint): Slot | null {
    const slot = this.slots.of(from);
    if (slot) slot.lastHeardMs = this.#clock.monoMs();
    return slot;
  }

  send(bytes: Uint8Array, to: Endpoint, door: Door = 'media'): void {
    this.#world.transmit(bytes, to, door);
  }

  sendToClient(slot: Slot, bytes: Uint8Array): void {
    slot.lastSentMs = this.#clock.monoMs();
    this.#world.transmit(bytes, slot.client, 'media');
  }

  /** A login got its slot; whoever had it before gets nothing more. */
  onPlaced(slot: Slot, replaced: Slot | null): void {
    if (replaced) this.#forget(replaced);
    const { clock, pace, acks, timeScale } = this.options;
    const stream: ClientStream = new ClientStream({
      clock,
      pace,
      transmit: (datagram) => this.sendToClient(slot, datagram),
      window:
        acks === 'off'
          ? null
          : new VendorWindow({
              clock,
              limit: windowFrames(this.options.pictures?.width ?? 0),
              resendMs: RESEND_MS * timeScale,
              resend: (datagrams) => {
                this.stats.fragmentsResent += datagrams.length;
                stream.queue(datagrams);
              },
            }),
    });
    this.#streams.set(slot, stream);
    this.#watch(slot);
    this.#world.onChange();
  }

  /** What the client acknowledged, when the device cares. */
  stream(slot: Slot): ClientStream | null {
    return this.#streams.get(slot) ?? null;
  }

  setMask(slot: Slot, mask: number): void {
    slot.mask = mask & (this.options.audio ? liveMask.both : liveMask.video);
    if (slot.mask === 0) this.#streams.get(slot)?.clear();
    this.#watch(slot);
    this.#keepMediaGoing();
    this.#world.onChange();
  }

  /** The session is over: media stops at once. */
  end(slot: Slot): void {
    if (!this.slots.free(slot)) return;
    this.#forget(slot);
    this.#world.onChange();
    if (this.slots.live.length === 0) this.#world.onIdle();
  }

  /** The device ends the session by itself, and says so. */
  kick(slot: Slot): void {
    this.sendToClient(slot, encodeCommand(slot.session, 'close'));
    this.end(slot);
  }

  /** Sends one picture as kind 3, out of the order of the video. */
  sendSnapshot(slot: Slot): void {
    const picture = this.sensor.snapshot();
    if (picture) this.#sendPicture(slot, picture, mediaKind.data, this.sensor.takeFrameIndex());
  }

  /** Power off and on: everything forgotten, nobody told. No timer is left. */
  restart(): void {
    for (const slot of this.slots.live) this.#forget(slot);
    this.slots = new SlotTable(this.options.slots, this.options.whenFull);
    this.sensor.restart();
    this.#world.onChange();
  }

  #forget(slot: Slot): void {
    this.slots.free(slot);
    this.#slotTimers.get(slot)?.cancel();
    this.#slotTimers.delete(slot);
    this.#streams.get(slot)?.clear();
    this.#streams.delete(slot);
    this.#keepMediaGoing();
  }

  /** One timer per slot, for whichever comes first: the end of the session or the device's heartbeat. */
  #watch(slot: Slot): void {
    this.#slotTimers.get(slot)?.cancel();
    const { timeScale } = this.options;
    const nowMs = this.#clock.monoMs();
    const endMs = slot.lastHeardMs + (slot.mask === 0 ? IDLE_TIMEOUT_MS : STREAMING_TIMEOUT_MS) * timeScale;
    const heartbeatMs = slot.lastSentMs + HEARTBEAT_MS * timeScale;
    if (nowMs >= endMs) {
      this.#slotTimers.delete(slot);
      this.stats.slotsTimedOut += 1;
      this.kick(slot);
      return;
    }
    if (nowMs >= heartbeatMs) {
      this.sendToClient(slot, encodeDeviceHeartbeat(slot.session, this.slots.live.length, INITIAL_FPS_CAP));
      this.#watch(slot);
      return;
    }
    this.#slotTimers.set(
      slot,
      this.#clock.after(Math.min(endMs, heartbeatMs) - nowMs, () => this.#watch(slot)),
    );
  }

  #keepMediaGoing(): void {
    this.sensor.run(this.slots.live.reduce((mask, slot) => mask | slot.mask, 0));
  }

  #onPicture(picture: Picture, frameIndex: number): void {
    for (const slot of this.slots.live) {
      if ((slot.mask & liveMask.video) !== 0) this.#sendPicture(slot, picture, mediaKind.video, frameIndex);
    }
    this.#world.onChange();
  }

  #onSound(block: Uint8Array, frameIndex: number): void {
    const timestampMs = this.sensor.uptimeMs;
    for (const slot of this.slots.live) {
      const stream = this.#streams.get(slot);
      if ((slot.mask & liveMask.audio) === 0 || !stream) continue;
      if (!stream.admits(mediaKind.audio, 1)) {
        this.stats.audioBlocksSkipped += 1;
        continue;
      }
      this.stats.audioBlocksSent += 1;
      stream.sendFrame(mediaKind.audio, frameIndex, [
        encodeAudio({ session: slot.session, frameIndex, timestampMs, block }),
      ]);
    }
    this.#world.onChange();
  }

  #sendPicture(slot: Slot, picture: Picture, kind: number, frameIndex: number): void {
    const { fragmentBytes, frameHead, hostile } = this.options;
    const prepared = PreparedPicture.of(picture, { fragmentBytes, head: frameHead, mediaKind: kind });
    const stream = this.#streams.get(slot);
    if (!stream) return;
    if (!stream.admits(kind, prepared.fragments)) {
      this.stats.framesSkipped += 1;
      return;
    }
    const { session } = slot;
    const datagrams = prepared.datagrams({ session, frameIndex, timestampMs: this.sensor.uptimeMs });
    this.stats.framesSent += 1;
    this.stats.fragmentsSent += datagrams.length;
    stream.sendFrame(kind, frameIndex, datagrams, hostile ? this.#spoil(session, frameIndex, datagrams) : datagrams);
  }

  /** The frame with bad packets between its own. */
  #spoil(session: number, frameIndex: number, datagrams: readonly Uint8Array[]): Uint8Array[] {
    const takeFrameIndex = () => this.sensor.takeFrameIndex();
    const point = { session, frameIndex, fragments: datagrams.length, takeFrameIndex };
    return datagrams.flatMap((datagram, n) =>
      n % HOSTILE_EVERY === 0 ? [badStreamPacket(this.#badPackets++, point), datagram] : [datagram],
    );
  }
}
