// What a simulated ONVIF device answers, operation by operation: written from the WSDL of ONVIF 22.12, apart from the
// driver's reader, with the prefixes that gSOAP firmware uses.

import { escapeXml, find, parseXml, text } from '../../drivers/onvif/wire.ts';

/** One profile. */
export type SimulatedProfile = {
  readonly token: string;
  readonly name: string;
  readonly codec: 'JPEG' | 'H264' | 'H265';
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** Kilobits per second. */
  readonly bitRate: number;
  readonly source?: string;
  /** `rtsp://...`; may be anything, also hostile. */
  readonly url: string;
  readonly snapshotUrl?: string;
};

/** What an answer is made of. */
export type AnswerContext = {
  readonly target: string;
  readonly body: string;
  readonly profiles: readonly SimulatedProfile[];
  readonly media: readonly ('media' | 'media2')[];
  readonly noServices: boolean;
  readonly nowMs: number;
  /** A path as an address of this device. */
  readonly address: (path: string) => string;
  /** It names this host in stream addresses, too. */
  readonly namedHost?: string;
};

const TDS = 'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"';
const TRT = 'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"';
const TR2 = 'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"';
const PATHS = { media: '/onvif/media_service', media2: '/onvif/media2_service' } as const;
const NAMESPACES = {
  media: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
} as const;

/** The name of the request's operation; empty when it is no request. */
export function operationOf(body: string): string {
  try {
    return find(parseXml(body), 'Body')?.children[0]?.name ?? '';
  } catch {
    return '';
  }
}

/** A SOAP fault. */
export function fault(code: string, reason: string): string {
  return (
    `<s:Fault xmlns:ter="http://www.onvif.org/ver10/error"><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>${code}</s:Value>` +
    `</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">${escapeXml(reason)}</s:Text></s:Reason></s:Fault>`
  );
}

/** The content of the answer's body. */
export function answers(operation: string, context: AnswerContext): string {
  const isMedia2 = context.target === PATHS.media2;
  switch (operation) {
    case 'GetSystemDateAndTime':
      return dateAndTime(context.nowMs);
    case 'GetDeviceInformation':
      return `<tds:GetDeviceInformationResponse ${TDS}><tds:Manufacturer>Perch</tds:Manufacturer><tds:Model>SIM-1 &amp; Co</tds:Model><tds:FirmwareVersion>1</tds:FirmwareVersion><tds:SerialNumber>1</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>`;
    case 'GetServices':
      return context.noServices ? fault('ter:ActionNotSupported', 'Not supported') : services(context);
    case 'GetCapabilities':
      return capabilities(context);
    case 'GetProfiles':
      return isMedia2 ? profiles2(context) : profiles1(context);
    case 'GetStreamUri':
    case 'GetSnapshotUri':
      return uri(operation, isMedia2, context);
    case 'GetVideoSources':
      return `<trt:GetVideoSourcesResponse ${TRT}><trt:VideoSources token="source0"><tt:Framerate>25</tt:Framerate><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution></trt:VideoSources></trt:GetVideoSourcesResponse>`;
    default:
      return fault('ter:ActionNotSupported', `No operation ${operation}`);
  }
}

function dateAndTime(ms: number): string {
  const at = new Date(ms);
  const time = `<tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time>`;
  const date = `<tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date>`;
  return `<tds:GetSystemDateAndTimeResponse ${TDS}><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>${time}${date}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
}

function services({ media, address }: AnswerContext): string {
  const list = [
    ['http://www.onvif.org/ver10/device/wsdl', '/onvif/device_service'],
    ...media.map((version) => [NAMESPACES[version], PATHS[version]]),
  ].map(
    ([namespace, path = '']) =>
      `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${escapeXml(address(path))}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>5</tt:Minor></tds:Version></tds:Service>`,
  );
  return `<tds:GetServicesResponse ${TDS}>${list.join('')}</tds:GetServicesResponse>`;
}

function capabilities({ address, media }: AnswerContext): string {
  const found = media.includes('media')
    ? `<tt:Media><tt:XAddr>${escapeXml(address(PATHS.media))}</tt:XAddr><tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast></tt:StreamingCapabilities></tt:Media>`
    : '';
  return `<tds:GetCapabilitiesResponse ${TDS}><tds:Capabilities><tt:Device><tt:XAddr>${escapeXml(address('/onvif/device_service'))}</tt:XAddr></tt:Device>${found}</tds:Capabilities></tds:GetCapabilitiesResponse>`;
}

const size = ({ width, height }: SimulatedProfile) =>
  `<tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution>`;

/** Media 1 cannot say H.265: such profiles are left out, as firmware does. */
function profiles1({ profiles }: AnswerContext): string {
  const list = profiles
    .filter(({ codec }) => codec !== 'H265')
    .map(
      (each) =>
        `<trt:Profiles token="${escapeXml(each.token)}" fixed="true"><tt:Name>${escapeXml(each.name)}</tt:Name>` +
        `<tt:VideoSourceConfiguration token="vs"><tt:Name>vs</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>${each.source ?? 'source0'}</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/></tt:VideoSourceConfiguration>` +
        `<tt:VideoEncoderConfiguration token="e_${escapeXml(each.token)}"><tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${each.codec}</tt:Encoding>${size(each)}<tt:Quality>5</tt:Quality>` +
        `<tt:RateControl><tt:FrameRateLimit>${each.frameRate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>${each.bitRate}</tt:BitrateLimit></tt:RateControl></tt:VideoEncoderConfiguration></trt:Profiles>`,
    );
  return `<trt:GetProfilesResponse ${TRT}>${list.join('')}</trt:GetProfilesResponse>`;
}

function profiles2({ profiles }: AnswerContext): string {
  const list = profiles.map(
    (each) =>
      `<tr2:Profiles token="${escapeXml(each.token)}" fixed="true"><tr2:Name>${escapeXml(each.name)}</tr2:Name><tr2:Configurations>` +
      `<tr2:VideoSource token="vs"><tt:Name>vs</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>${each.source ?? 'source0'}</tt:SourceToken></tr2:VideoSource>` +
      `<tr2:VideoEncoder token="e" GovLength="50" Profile="Main"><tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>${each.codec}</tt:Encoding>${size(each)}` +
      `<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>${each.frameRate.toFixed(6)}</tt:FrameRateLimit><tt:BitrateLimit>${each.bitRate}</tt:BitrateLimit></tt:RateControl><tt:Quality>5</tt:Quality></tr2:VideoEncoder>` +
      '</tr2:Configurations></tr2:Profiles>',
  );
  return `<tr2:GetProfilesResponse ${TR2}>${list.join('')}</tr2:GetProfilesResponse>`;
}

function uri(operation: 'GetStreamUri' | 'GetSnapshotUri', isMedia2: boolean, context: AnswerContext): string {
  const { profiles, body, namedHost } = context;
  const token = text(find(parseXml(body), 'Body')?.children[0], 'ProfileToken');
  const profile = profiles.find((each) => each.token === token);
  if (!profile) return fault('ter:NoProfile', 'No such profile');
  const own = operation === 'GetStreamUri' ? profile.url : profile.snapshotUrl;
  if (own === undefined) return fault('ter:ActionNotSupported', 'No snapshots');
  const told = escapeXml(namedHost === undefined ? own : own.replace(/^([a-z]+:\/\/)[^/:]*/, `$1${namedHost}`));
  return isMedia2
    ? `<tr2:${operation}Response ${TR2}><tr2:Uri>${told}</tr2:Uri></tr2:${operation}Response>`
    : `<trt:${operation}Response ${TRT}><trt:MediaUri><tt:Uri>${told}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:${operation}Response>`;
}
