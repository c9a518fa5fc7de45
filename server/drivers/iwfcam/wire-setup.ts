// `1TEG` packets: discovery on port 10104 and the login on the media port. Both directions, pure.
// Source: protocols/iwfcam.md sections 4-6 and 7.4. Nothing here talks to the vendor's cloud.

import {
  type DropReason,
  HEADER_BYTES,
  type Identity,
  identityAt,
  ipv4,
  newPacket,
  putIdentity,
  putIpv4,
  putText,
  putU16,
  putU16be,
  putU32,
  SETUP_SIGNATURE,
  textAt,
  u16,
  u16be,
  u32,
} from './wire-bytes.ts';

/** Command numbers of `1TEG` packets that travel on a LAN. */
export const setupCommand = {
  deviceClosing: 0x0a,
  discoveryRequest: 0x0b,
  discoveryResponse: 0x0c,
  loginRequest: 0x0d,
  loginResponse: 0x0e,
  /** chinesium's note of the closing packet; probably 0x0a written as decimal 10. */
  deviceClosingOther: 0x10,
} as const;

/** The only kind of search there is. */
export const SEARCH_KIND = 1;
/** Results of a login (section 6.3). */
export const loginResult = { accepted: 0, identity: 1, full: 2, password: 3 } as const;

const ITEM_BYTES = 60;
const UID_BYTES = 32;
const NAME_BYTES = 32;
const CREDENTIAL_BYTES = 16;
const ACCOUNT_BYTES = 16;
const ADDRESS_BLOCK_BYTES = 24;
const MAX_ITEMS = 24;

/** First character of a credential that holds a hash and not the password itself (section 6.2). */
export const HASHED_MARK = '\t';

/** Identity and the two addresses of one side (section 5). */
export type AddressBlock = {
  readonly identity: Identity;
  readonly publicAddress: string;
  readonly publicPort: number;
  readonly lanPort: number;
  readonly lanAddress: string;
};

/** Somebody looks for cameras. */
export type DiscoveryRequest = { readonly kind: 'discoveryRequest'; readonly searchKind: number };
/** One camera of a discovery answer; `uid` is bounded and printable but not to be trusted. */
export type DiscoveryItem = AddressBlock & { readonly uid: string; readonly webPort: number };
/** `count` is what the sender claims; `items` what was really there. */
export type DiscoveryResponse = {
  readonly kind: 'discoveryResponse';
  readonly searchKind: number;
  readonly count: number;
  readonly items: readonly DiscoveryItem[];
};
/** `credential` is null when the request is too short to have one (a device answers result 1). */
export type LoginRequest = AddressBlock & {
  readonly kind: 'loginRequest';
  readonly credential: string | null;
  readonly account: string | null;
};
/** `session` is 0 on refusal. Fields that a short answer lacks are 0 or empty. */
export type LoginResponse = AddressBlock & {
  readonly kind: 'loginResponse';
  readonly result: number;
  readonly session: number;
  readonly online: number;
  readonly name: string;
  readonly authorization: number;
};
/** The camera says that it goes away; a hint only, because nothing authenticates it. */
export type DeviceClosing = { readonly kind: 'deviceClosing'; readonly command: number };

function putAddressBlock(bytes: Uint8Array, at: number, block: AddressBlock): void {
  putIdentity(bytes, at, block.identity);
  putIpv4(bytes, at + 12, block.publicAddress);
  putU16be(bytes, at + 16, block.publicPort);
  putU16be(bytes, at + 18, block.lanPort);
  putIpv4(bytes, at + 20, block.lanAddress);
}

function addressBlockAt(bytes: Uint8Array, at: number): AddressBlock {
  return {
    identity: identityAt(bytes, at),
    publicAddress: ipv4(bytes, at + 12),
    publicPort: u16be(bytes, at + 16),
    lanPort: u16be(bytes, at + 18),
    lanAddress: ipv4(bytes, at + 20),
  };
}

/** The credential begins with the byte 09 ("hashed"), which is not printable and must survive. */
function credentialAt(bytes: Uint8Array, at: number): string {
  const hashed = bytes[at] === HASHED_MARK.charCodeAt(0);
  return hashed ? HASHED_MARK + textAt(bytes, at + 1, CREDENTIAL_BYTES - 1) : textAt(bytes, at, CREDENTIAL_BYTES);
}

/** Client to camera (or broadcast), port 10104. */
export function encodeDiscoveryRequest(signature = SETUP_SIGNATURE): Uint8Array {
  const bytes = newPacket(signature, setupCommand.discoveryRequest, 12);
  putU32(bytes, 8, SEARCH_KIND);
  return bytes;
}

/** The second search of the vendor's app, port 17900 (appendix A). Perch does not need it; a capture shows it. */
export function encodeLanSearch(sequence: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putU16(bytes, 2, sequence);
  putU32(bytes, 4, bytes.length);
  return bytes;
}

/** Camera to client, from port 10104. */
export function encodeDiscoveryResponse(items: readonly DiscoveryItem[]): Uint8Array {
  const bytes = newPacket(SETUP_SIGNATURE, setupCommand.discoveryResponse, 8 + items.length * ITEM_BYTES);
  putU32(bytes, 8, SEARCH_KIND);
  putU32(bytes, 12, items.length);
  items.forEach((item, index) => {
    const at = 16 + index * ITEM_BYTES;
    putAddressBlock(bytes, at, item);
    putText(bytes, at + ADDRESS_BLOCK_BYTES, UID_BYTES, item.uid);
    putU16be(bytes, at + 56, item.webPort);
  });
  return bytes;
}

/** Client to camera, media port. `credential` is the 13-character text of section 6.2. */
export function encodeLoginRequest(
  request: AddressBlock & { readonly credential: string; readonly account?: string },
): Uint8Array {
  const accountBytes = request.account === undefined ? 0 : ACCOUNT_BYTES;
  const dataBytes = ADDRESS_BLOCK_BYTES + CREDENTIAL_BYTES + accountBytes;
  const bytes = newPacket(SETUP_SIGNATURE, setupCommand.loginRequest, dataBytes);
  putAddressBlock(bytes, HEADER_BYTES, request);
  putText(bytes, 0x20, CREDENTIAL_BYTES, request.credential);
  if (request.account !== undefined) putText(bytes, 0x30, ACCOUNT_BYTES, request.account);
  return bytes;
}

/** Camera to the source of the login request. */
export function encodeLoginResponse(response: Omit<LoginResponse, 'kind'>): Uint8Array {
  const bytes = newPacket(SETUP_SIGNATURE, setupCommand.loginResponse, 84);
  putIdentity(bytes, 0x08, response.identity);
  putU32(bytes, 0x14, response.result);
  putU32(bytes, 0x18, response.session);
  putIpv4(bytes, 0x1c, response.publicAddress);
  putU16be(bytes, 0x20, response.publicPort);
  putU16be(bytes, 0x22, response.lanPort);
  putIpv4(bytes, 0x24, response.lanAddress);
  putU16(bytes, 0x2e, response.online);
  putText(bytes, 0x30, NAME_BYTES, response.name);
  putU32(bytes, 0x50, response.authorization);
  return bytes;
}

/** Camera to everybody: it goes away (0x0a in the vendor's library, 0x10 according to chinesium). */
export function encodeDeviceClosing(command: number = setupCommand.deviceClosing): Uint8Array {
  return newPacket(SETUP_SIGNATURE, command, 20);
}

/** Packets whose signature is `1TEG` and whose header was checked. */
export function parseSetup(
  bytes: Uint8Array,
  command: number,
  dataBytes: number,
): DiscoveryRequest | DiscoveryResponse | LoginRequest | LoginResponse | DeviceClosing | DropReason {
  switch (command) {
    case setupCommand.discoveryRequest:
      return dataBytes < 4 ? 'fields' : { kind: 'discoveryRequest', searchKind: u32(bytes, 8) };
    case setupCommand.discoveryResponse:
      return parseDiscoveryResponse(bytes, dataBytes);
    case setupCommand.loginRequest:
      if (dataBytes < ADDRESS_BLOCK_BYTES) return 'fields';
      return {
        kind: 'loginRequest',
        ...addressBlockAt(bytes, HEADER_BYTES),
        credential: dataBytes < 40 ? null : credentialAt(bytes, 0x20),
        account: dataBytes < 56 ? null : textAt(bytes, 0x30, ACCOUNT_BYTES),
      };
    case setupCommand.loginResponse:
      return parseLoginResponse(bytes, dataBytes);
    case setupCommand.deviceClosing:
    case setupCommand.deviceClosingOther:
      return dataBytes < 20 ? 'fields' : { kind: 'deviceClosing', command };
    default:
      return 'command';
  }
}

function parseDiscoveryResponse(bytes: Uint8Array, dataBytes: number): DiscoveryResponse | DropReason {
  if (dataBytes < 8 + ITEM_BYTES || u32(bytes, 8) !== SEARCH_KIND) return 'fields';
  const count = u32(bytes, 12);
  const present = Math.min(count, MAX_ITEMS, Math.floor((dataBytes - 8) / ITEM_BYTES));
  if (present === 0) return 'fields';
  const items: DiscoveryItem[] = [];
  for (let at = 16; items.length < present; at += ITEM_BYTES) {
    items.push({
      ...addressBlockAt(bytes, at),
      uid: textAt(bytes, at + ADDRESS_BLOCK_BYTES, UID_BYTES),
      webPort: u16be(bytes, at + 56),
    });
  }
  return { kind: 'discoveryResponse', searchKind: SEARCH_KIND, count, items };
}

/** Reads what is present: an answer without result and session is none (section 18). */
function parseLoginResponse(bytes: Uint8Array, dataBytes: number): LoginResponse | DropReason {
  if (dataBytes < 20) return 'fields';
  const has = (end: number) => dataBytes + HEADER_BYTES >= end;
  return {
    kind: 'loginResponse',
    identity: identityAt(bytes, 0x08),
    result: u32(bytes, 0x14),
    session: u32(bytes, 0x18),
    publicAddress: has(0x20) ? ipv4(bytes, 0x1c) : '0.0.0.0',
    publicPort: has(0x22) ? u16be(bytes, 0x20) : 0,
    lanPort: has(0x24) ? u16be(bytes, 0x22) : 0,
    lanAddress: has(0x28) ? ipv4(bytes, 0x24) : '0.0.0.0',
    online: has(0x30) ? u16(bytes, 0x2e) : 0,
    name: has(0x50) ? textAt(bytes, 0x30, NAME_BYTES) : '',
    authorization: has(0x54) ? u32(bytes, 0x50) : 0,
  };
}
