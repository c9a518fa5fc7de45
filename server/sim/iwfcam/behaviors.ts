// How the camera answers, one handler per kind of packet, asked in order. Each cites its row in section 17 of the
// protocol description.

import {
  type AckBlock,
  type Control,
  controlType,
  credential,
  encodeAnswer,
  encodeCommand,
  encodeDiscoveryResponse,
  encodeLiveAnswer,
  encodeLoginResponse,
  type LiveParams,
  type LoginRequest,
  loginResult,
  NOT_SUPPORTED,
  passwordToken,
  SEARCH_KIND,
} from '../../drivers/iwfcam/wire.ts';
import type { Endpoint } from '../../net/net.ts';
import { badDiscoveryPackets } from './bad-packets.ts';
import type { IwfcamCamera, Request } from './camera.ts';
import { isOnOwnNetwork } from './own-network.ts';
import type { Slot } from './slots.ts';

/** One handler. `answer` returns false when the packet is not its affair. */
export type Behavior = {
  readonly name: string;
  answer(request: Request, camera: IwfcamCamera): boolean;
};

const NO_ADDRESS = '0.0.0.0';
const LIMITED_BROADCAST = '255.255.255.255';
const LIVE_DATA_BYTES = 8;
const LIVE_MASK_AT = 4;
const SET_FPS_TYPE = 0x05;
const FLIP_TYPE = 0x08;
const IR_LED_SUBS = [3, 4, 5];
const MAX_FPS = 60;
/** Commands that are accepted and have no effect here. */
const ACCEPTED_TYPES: readonly number[] = [FLIP_TYPE, controlType.time];

/** Row 1. */
const discovery: Behavior = {
  name: 'discovery',
  answer({ packet, from, door }, camera) {
    if (packet.kind !== 'discoveryRequest' || door !== 'discovery' || packet.searchKind !== SEARCH_KIND) return false;
    const { options, identity } = camera;
    camera.stats.discoveryRequests += 1;
    const answer = encodeDiscoveryResponse([
      {
        // The first number never travels in a discovery answer (section 4).
        identity: [0, identity[1], identity[2]],
        publicAddress: NO_ADDRESS,
        publicPort: 0,
        lanPort: camera.mediaPort,
        lanAddress: options.host,
        uid: options.uid,
        webPort: 0,
      },
    ]);
    for (let copy = 0; copy < options.discoveryCopies; copy++) camera.send(answer, from, 'discovery');
    if (options.broadcastReplies) {
      camera.send(answer, { address: LIMITED_BROADCAST, port: camera.discoveryPort }, 'discovery');
      const network = from.address.slice(0, from.address.lastIndexOf('.'));
      camera.send(answer, { address: `${network}.255`, port: from.port }, 'discovery');
    }
    if (options.hostile) {
      const media = { address: options.host, port: camera.mediaPort };
      for (const bad of badDiscoveryPackets(media)) camera.send(bad, from, 'discovery');
    }
    return true;
  },
};

/** Rows 3 to 6 and 20: checks in the order of the device code. */
const login: Behavior = {
  name: 'login',
  answer({ packet, from, door }, camera) {
    if (packet.kind !== 'loginRequest' || door !== 'media') return false;
    const { options, stats } = camera;
    const client = options.streamToSource ? from : claimedClient(packet);
    if (client && !isOnOwnNetwork(options.host, client.address)) {
      stats.claimsRefused += 1;
      return true;
    }
    const refusal = refusalOf(packet, client, camera);
    const claim = refusal === null ? camera.slots.claim(client!, options.clock.monoMs()) : null;
    if (claim?.kind === 'placed') {
      stats.loginsAccepted += 1;
      camera.onPlaced(claim.slot, claim.replaced);
      if (options.liveParamsOnLogin) sendLiveAnswer(camera, claim.slot);
      respond(camera, packet, from, loginResult.accepted, claim.slot.session);
    } else {
      stats.loginsRefused += 1;
      respond(camera, packet, from, refusal ?? loginResult.full, 0);
    }
    return true;
  },
};

/** Where the client wants its media: the LAN address, else the public one. */
function claimedClient(packet: LoginRequest): Endpoint | null {
  if (packet.lanAddress !== NO_ADDRESS) return { address: packet.lanAddress, port: packet.lanPort };
  return packet.publicAddress === NO_ADDRESS ? null : { address: packet.publicAddress, port: packet.publicPort };
}

function refusalOf(packet: LoginRequest, client: Endpoint | null, { identity, options }: IwfcamCamera): number | null {
  if (packet.identity.some((number, index) => number !== identity[index])) return loginResult.identity;
  if (!client || packet.credential === null) return loginResult.identity;
  return packet.credential === credential(passwordToken(options.password)) ? null : loginResult.password;
}

/** To the source of the request, whatever it claims. */
function respond(camera: IwfcamCamera, request: LoginRequest, to: Endpoint, result: number, session: number): void {
  const { options, identity, slots, mediaPort } = camera;
  if (!options.loginResponse) return;
  const response = encodeLoginResponse({
    identity,
    result,
    session,
    publicAddress: request.publicAddress,
    publicPort: request.publicPort,
    lanPort: mediaPort,
    lanAddress: options.host,
    online: slots.live.length,
    name: options.name,
    authorization: result === loginResult.accepted || result === loginResult.full ? 1 : 0,
  });
  camera.send(response, to);
}

/** Rows 4, 8, 18: who may speak, and acknowledgements, which ride along on any packet. Never the last word. */
const peers: Behavior = {
  name: 'peers',
  answer({ packet, from, door }, camera) {
    if (packet.kind !== 'command' && packet.kind !== 'answer' && packet.kind !== 'acknowledge') return false;
    if (door !== 'media') return true;
    const slot = camera.slots.of(from);
    if (!slot) {
      camera.stats.ignored += 1;
      return true;
    }
    if (packet.session !== slot.session) {
      camera.stats.wrongSession += 1;
      return true;
    }
    if (packet.kind === 'acknowledge') acknowledge(camera, slot, packet);
    else if (packet.ack) acknowledge(camera, slot, packet.ack);
    return packet.kind !== 'command';
  },
};

function acknowledge(camera: IwfcamCamera, slot: Slot, block: AckBlock): void {
  if (block.session !== slot.session) return;
  const window = camera.stream(slot)?.window;
  const acks = block.items.filter(({ ack }) => ack).length;
  camera.stats.acks += acks;
  camera.stats.naks += block.items.length - acks;
  window?.acknowledge(block);
}

/** A handler for commands of one type from a client on line. */
function command(
  name: string,
  type: number,
  act: (camera: IwfcamCamera, slot: Slot, packet: Control) => void,
): Behavior {
  return {
    name,
    answer({ packet, from }, camera) {
      if (packet.kind !== 'command' || packet.type !== type) return false;
      const slot = camera.slots.of(from);
      if (slot) act(camera, slot, packet);
      return true;
    },
  };
}

/** Row 9. Sub 1 replaces picture and sound, sub 0 clears the given bits (section 9). */
const live = command('live', controlType.live, (camera, slot, { sub, data }) => {
  camera.stats.liveRequests += 1;
  if (data.length >= LIVE_DATA_BYTES) {
    const mask = Buffer.from(data.buffer, data.byteOffset, data.length).readUInt32LE(LIVE_MASK_AT);
    const wanted = sub === 1 ? mask & 3 : slot.mask & ~mask;
    // A repeat is a heartbeat and changes nothing.
    if (wanted !== slot.mask) camera.setMask(slot, wanted);
  }
  if (camera.options.liveAnswer) sendLiveAnswer(camera, slot);
});

/** Row 10. */
const close = command('close', controlType.close, (camera, slot) => {
  camera.stats.closes += 1;
  if (camera.options.ignoreClose) return;
  camera.sendToClient(slot, encodeAnswer(slot.session, controlType.close, 1));
  camera.sendToClient(slot, encodeCommand(slot.session, 'close'));
  camera.end(slot);
});

/** No answer to a heartbeat. */
const heartbeat = command('heartbeat', controlType.heartbeat, () => {});

const snapshot = command('snapshot', controlType.snapshot, (camera, slot) => {
  camera.sendToClient(slot, encodeAnswer(slot.session, controlType.snapshot, 0));
  camera.sendSnapshot(slot);
});

const setFps = command('setFps', SET_FPS_TYPE, (camera, slot, { sub }) => {
  if (sub >= 1 && sub <= MAX_FPS) camera.sensor.fps = sub;
  camera.sendToClient(slot, encodeAnswer(slot.session, SET_FPS_TYPE, 0));
});

const irLed = command('irLed', controlType.irLed, (camera, slot, { sub }) => {
  const isKnown = IR_LED_SUBS.includes(sub);
  if (!isKnown && !camera.options.unknownAnswer) return;
  camera.sendToClient(slot, encodeAnswer(slot.session, controlType.irLed, isKnown ? 0 : NOT_SUPPORTED));
});

/** Row 12, after everything that is known. */
const otherCommand: Behavior = {
  name: 'otherCommand',
  answer({ packet, from }, camera) {
    if (packet.kind !== 'command') return false;
    const slot = camera.slots.of(from);
    const isAccepted = ACCEPTED_TYPES.includes(packet.type);
    if (slot && (isAccepted || camera.options.unknownAnswer)) {
      camera.sendToClient(slot, encodeAnswer(slot.session, packet.type, isAccepted ? 0 : NOT_SUPPORTED));
    }
    return true;
  },
};

function sendLiveAnswer(camera: IwfcamCamera, slot: Slot): void {
  const { pictures, audio } = camera.options;
  const params: LiveParams = {
    width: pictures?.width ?? 640,
    height: pictures?.height ?? 480,
    fps: camera.sensor.fps,
    videoFormat: 'MJPG',
    audioChannels: audio ? 1 : 0,
    audioRate: audio ? 8000 : 0,
    audioBits: audio ? 16 : 0,
  };
  camera.sendToClient(slot, encodeLiveAnswer(slot.session, slot.mask, params));
}

/** Everything an ordinary camera does, in order. */
export const defaultBehaviors: readonly Behavior[] = [
  discovery,
  login,
  peers,
  live,
  close,
  heartbeat,
  snapshot,
  setFps,
  irLed,
  otherCommand,
];
