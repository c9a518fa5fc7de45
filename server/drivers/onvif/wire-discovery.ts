// WS-Discovery (April 2005) as ONVIF Core 7 uses it: one probe by multicast, unicast answers.

import { MAX_MATCH_BYTES } from './limits.ts';
import { all, escapeXml, find, parseXml, text } from './wire-xml.ts';

/** Where devices listen. */
export const DISCOVERY_PORT = 3702;
export const DISCOVERY_GROUP = '239.255.255.250';

const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const ADDRESSING = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const DISCOVERY = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const SCOPE = 'onvif://www.onvif.org/';
const MAX_LIST = 50;

/** Types that ONVIF devices have; some answer to one of them only. */
export const DEVICE_TYPES = {
  transmitter: { name: 'NetworkVideoTransmitter', namespace: 'http://www.onvif.org/ver10/network/wsdl' },
  device: { name: 'Device', namespace: 'http://www.onvif.org/ver10/device/wsdl' },
} as const;

/** Asks all devices of a type. @param id a UUID, which the answers repeat */
export function encodeProbe(id: string, { name, namespace }: { name: string; namespace: string }): Uint8Array {
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${SOAP}" xmlns:a="${ADDRESSING}">` +
      `<s:Header><a:MessageID>urn:uuid:${id}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>` +
      `<a:Action>${DISCOVERY}/Probe</a:Action></s:Header>` +
      `<s:Body><d:Probe xmlns:d="${DISCOVERY}"><d:Types xmlns:n="${namespace}">n:${name}</d:Types></d:Probe></s:Body></s:Envelope>`,
  );
}

/** A device that answered. All of it is hostile text. */
export type ProbeMatch = {
  /** Its own, stable name; may be empty. */
  readonly endpoint: string;
  readonly addresses: readonly string[];
  /** Values of its scopes by category: `name`, `hardware`, `location`. */
  readonly scopes: ReadonlyMap<string, string>;
};

/** The devices in an answer to one of our probes. Never throws: what cannot be read, or answers somebody else, is empty. */
export function parseProbeMatches(bytes: Uint8Array, ids: readonly string[]): ProbeMatch[] {
  if (bytes.length > MAX_MATCH_BYTES) return [];
  try {
    const envelope = parseXml(Buffer.from(bytes).toString('utf8'));
    const relates = text(envelope, 'Header', 'RelatesTo').toLowerCase();
    if (!ids.some((id) => relates.endsWith(id))) return [];
    const matches = all(find(envelope, 'Body', 'ProbeMatches'), 'ProbeMatch');
    return matches.slice(0, MAX_LIST).map((match) => ({
      endpoint: text(match, 'EndpointReference', 'Address'),
      addresses: words(text(match, 'XAddrs')),
      scopes: readScopes(words(text(match, 'Scopes'))),
    }));
  } catch {
    return [];
  }
}

const words = (list: string) => list.split(/\s+/, MAX_LIST).filter((word) => word !== '');

/** `onvif://www.onvif.org/name/Front%20door`; the first of a category counts. */
function readScopes(scopes: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const scope of scopes) {
    if (!scope.toLowerCase().startsWith(SCOPE)) continue;
    const [category = '', ...value] = scope.slice(SCOPE.length).split('/');
    if (!found.has(category)) found.set(category, decode(value.join('/')));
  }
  return found;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return value;
  }
}

/** The id and type of somebody's probe, for the simulator; `null` for anything else. */
export function readProbe(bytes: Uint8Array): { readonly id: string; readonly types: string } | null {
  try {
    const envelope = parseXml(Buffer.from(bytes).toString('utf8'));
    const probe = find(envelope, 'Body', 'Probe');
    return probe ? { id: text(envelope, 'Header', 'MessageID'), types: text(probe, 'Types') } : null;
  } catch {
    return null;
  }
}

/** A device's answer, for the simulator. */
export function encodeProbeMatch(probeId: string, ownId: string, match: ProbeMatch): Uint8Array {
  const scopes = [...match.scopes].map(([name, value]) => `${SCOPE}${name}/${encodeURIComponent(value)}`).join(' ');
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="${SOAP}" xmlns:wsa="${ADDRESSING}" xmlns:wsdd="${DISCOVERY}" ` +
      `xmlns:dn="${DEVICE_TYPES.transmitter.namespace}"><SOAP-ENV:Header><wsa:MessageID>urn:uuid:${ownId}</wsa:MessageID>` +
      `<wsa:RelatesTo>${escapeXml(probeId)}</wsa:RelatesTo><wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>` +
      `<wsa:Action>${DISCOVERY}/ProbeMatches</wsa:Action></SOAP-ENV:Header><SOAP-ENV:Body><wsdd:ProbeMatches><wsdd:ProbeMatch>` +
      `<wsa:EndpointReference><wsa:Address>${escapeXml(match.endpoint)}</wsa:Address></wsa:EndpointReference>` +
      `<wsdd:Types>dn:NetworkVideoTransmitter</wsdd:Types><wsdd:Scopes>${escapeXml(scopes)}</wsdd:Scopes>` +
      `<wsdd:XAddrs>${escapeXml(match.addresses.join(' '))}</wsdd:XAddrs><wsdd:MetadataVersion>1</wsdd:MetadataVersion>` +
      `</wsdd:ProbeMatch></wsdd:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
  );
}
