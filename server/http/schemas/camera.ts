// Cameras as the interface shows them, and what clients may send.

import Type from 'typebox';
import type { Caller } from '../../auth/caller.ts';
import type { Camera } from '../../cameras/camera.ts';
import { type Fleet, MAX_RELEASE_MINUTES } from '../../cameras/fleet.ts';
import { MAX_NAME_LENGTH, recordingInputSchema } from '../../cameras/settings-check.ts';
import type { RecordingSettings } from '../../core/camera-config.ts';
import type { CameraStatus } from '../../core/camera-status.ts';
import { MAX_SLUG_LENGTH } from '../../core/ids.ts';
import { IsoTime, isoTime, isoTimeOrNull, Nullable, type Of, OneOf, strict } from './common.ts';

const MAX_DRIVER_LENGTH = 40;
const MAX_REF_LENGTH = 100;
const MAX_ONVIF_URL = 1024;
const MAX_CREDENTIAL = 256;

/** Any JSON object; who reads it checks it (drivers, the Fleet) and names the field that is wrong. */
const AnyObject = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, description });

const Settings = AnyObject('By the settingsSchema of the driver; secrets are shown as ********');
const Codec = OneOf(['mjpeg', 'h264', 'h265']);
const Driver = Type.String({ minLength: 1, maxLength: MAX_DRIVER_LENGTH });
const Name = Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH });
const Slug = Type.String({ minLength: 1, maxLength: MAX_SLUG_LENGTH, pattern: '^[a-z0-9-]+$' });
const SubSource = Type.Object({ driver: Driver, settings: Settings }, strict);

/** A second source by itself. */
export const SubStatusReply = Type.Object({
  state: OneOf(['idle', 'connecting', 'live', 'coolingDown', 'backingOff', 'refused'], {
    description: 'idle: connected only while somebody looks, and nobody does',
  }),
  since: IsoTime,
  nextAttemptAt: Nullable(IsoTime),
  codec: Nullable(Codec),
  width: Nullable(Type.Integer()),
  height: Nullable(Type.Integer()),
  frameRate: Type.Number(),
  bitRate: Type.Number(),
  lastFrameAt: Nullable(IsoTime),
  framesReceived: Type.Integer(),
  framesDropped: Type.Integer(),
  bytesReceived: Type.Integer(),
  reconnects: Type.Integer(),
  viewers: Type.Integer(),
  shown: Type.Boolean({ description: 'Its viewers see it; else the main source stands in' }),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String(), at: IsoTime })),
});

/** The state of a camera's connection. */
export const StatusReply = Type.Object({
  state: OneOf(['disabled', 'connecting', 'live', 'coolingDown', 'backingOff', 'refused']),
  since: IsoTime,
  nextAttemptAt: Nullable(IsoTime),
  coolDownReason: Nullable(OneOf(['stalePort', 'released'])),
  step: Nullable(Type.String({ description: 'While connecting: what is waited for' })),
  codec: Nullable(Codec),
  width: Nullable(Type.Integer()),
  height: Nullable(Type.Integer()),
  frameRate: Type.Number({ description: 'Frames per second' }),
  bitRate: Type.Number({ description: 'Bits per second' }),
  lastFrameAt: Nullable(IsoTime),
  framesReceived: Type.Integer(),
  framesDropped: Type.Integer(),
  bytesReceived: Type.Integer(),
  reconnects: Type.Integer(),
  viewers: Type.Integer(),
  recording: Type.Boolean(),
  encoderNote: Nullable(Type.String({ description: 'Why libx264 stands in for the encoder of the settings' })),
  audio: Type.Boolean(),
  sub: Nullable(SubStatusReply),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String(), at: IsoTime })),
});

/** A camera. */
export const CameraReply = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  name: Type.String(),
  driver: Type.String(),
  settings: Settings,
  enabled: Type.Boolean(),
  recording: Type.Unsafe<RecordingSettings>(recordingInputSchema),
  subSource: Type.Optional(Type.Object({ driver: Type.String(), settings: Settings })),
  status: StatusReply,
  facts: Type.Optional(AnyObject('What the running connection says of itself; administrators only')),
});

/** A new camera. */
export const CameraInput = Type.Object(
  {
    name: Name,
    driver: Driver,
    settings: Settings,
    slug: Type.Optional(Slug),
    enabled: Type.Optional(Type.Boolean()),
    recording: Type.Optional(Type.Unsafe<Record<string, unknown>>(recordingInputSchema)),
    subSource: Type.Optional(Nullable(SubSource)),
  },
  strict,
);

/** A change of a camera: JSON merge patch, so null inside `settings` and `recording` removes or resets a value. */
export const CameraPatch = Type.Partial(
  Type.Object({
    name: Name,
    slug: Slug,
    driver: Driver,
    settings: Settings,
    enabled: Type.Boolean(),
    recording: Nullable(AnyObject('Merged into the recording settings')),
    subSource: Nullable(AnyObject('Merged into {driver, settings}; null removes it')),
  }),
  strict,
);

/** Settings to try. */
export const CameraTestInput = Type.Object(
  {
    driver: Driver,
    settings: Settings,
    camera: Type.Optional(
      Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH, description: 'Whose stored secrets ******** stands for' }),
    ),
    source: Type.Optional(
      Type.Union([Type.Literal('main'), Type.Literal('sub')], {
        description: 'Of which of its sources; a sub source without secrets of its own has those of the camera',
      }),
    ),
  },
  strict,
);

/** What came of the test. */
export const CameraTestReply = Type.Object({
  ok: Type.Boolean(),
  codec: Type.Optional(Codec),
  width: Type.Optional(Type.Integer()),
  height: Type.Optional(Type.Integer()),
  firstFrameMs: Type.Optional(Type.Number()),
  snapshot: Type.Optional(Nullable(Type.String({ description: 'data: URL' }))),
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
});

/** A step on the way to a camera. */
export const StepReply = Type.Object({
  id: Type.String(),
  title: Type.String(),
  detail: Nullable(Type.String()),
  afterMs: Type.Integer({ description: 'Since the dial began' }),
});

/** One line of a test that is watched. */
export const CameraTestLine = Type.Union([Type.Object({ step: StepReply }), Type.Object({ result: CameraTestReply })]);

/** A device whose channels are asked for. */
export const ChannelsInput = Type.Omit(CameraTestInput, ['driver', 'source'], strict);

/** A channel of a device. */
export const ChannelReply = Type.Object({
  channel: Type.Integer(),
  codec: Codec,
  width: Nullable(Type.Integer()),
  height: Nullable(Type.Integer()),
  settings: AnyObject('To merge over the settings that were sent'),
  subSettings: Nullable(AnyObject('The same for the sub stream; null when there is none')),
  alreadyAdded: Type.Boolean(),
});

/** One line of a search for channels that is watched. */
export const ChannelsLine = Type.Union([
  Type.Object({ step: StepReply }),
  Type.Object({
    result: Type.Object({
      ok: Type.Boolean(),
      channels: Type.Optional(Type.Array(ChannelReply)),
      complete: Type.Optional(Type.Boolean({ description: 'False when the time was up first' })),
      error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
    }),
  }),
]);

/** How long to stay away. */
export const ReleaseInput = Type.Object(
  { minutes: Type.Number({ exclusiveMinimum: 0, maximum: MAX_RELEASE_MINUTES }) },
  strict,
);

/** A driver and the form for its settings. */
export const DriverReply = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  settingsSchema: AnyObject('JSON Schema'),
  capabilities: Type.Object({
    video: Type.Array(Type.String()),
    audio: Type.Array(Type.String()),
    discovery: Type.Boolean(),
  }),
  channels: Type.Boolean({ description: 'Its devices may have several channels' }),
  steps: Type.Array(Type.Object({ id: Type.String(), title: Type.String() }), {
    description: 'What a test goes through, in order',
  }),
  outside: Nullable(
    Type.Object(
      {
        hosts: Type.Array(Type.String()),
        setting: Type.String({ description: 'The setting that replaces the hosts' }),
      },
      { description: 'Whom it asks besides the camera itself; nobody before a camera is tested or enabled' },
    ),
  ),
});

/** What answered on the network. */
export const DiscoveryReply = Type.Object({
  found: Type.Array(
    Type.Object({
      driver: Type.String(),
      name: Type.String(),
      settings: Settings,
      alreadyAdded: Type.Boolean(),
      onvif: Type.Optional(
        Type.String({ description: 'An ONVIF device: ask POST /api/drivers/onvif/profiles for its streams' }),
      ),
    }),
  ),
});

/** What an ONVIF device is asked with. */
export const OnvifInput = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: MAX_ONVIF_URL,
      description: 'As discovery found it, or http://address of the camera',
    }),
    username: Type.Optional(Type.String({ maxLength: MAX_CREDENTIAL })),
    password: Type.Optional(Type.String({ maxLength: MAX_CREDENTIAL, format: 'password' })),
  },
  strict,
);

const OnvifProfile = Type.Object({
  token: Type.String(),
  name: Type.String(),
  source: Type.String({ description: 'The lens or channel: profiles with the same one show the same' }),
  codec: Nullable(Codec),
  width: Nullable(Type.Integer()),
  height: Nullable(Type.Integer()),
  frameRate: Nullable(Type.Number()),
  bitRate: Nullable(Type.Number({ description: 'Bits per second' })),
  url: Type.String({ description: 'For the driver rtsp' }),
  snapshotUrl: Nullable(Type.String({ description: 'For the driver http-snapshot' })),
  moved: Type.Boolean({ description: 'The device named another host; its own address is used' }),
});

/** What an ONVIF device offers. */
export const OnvifReply = Type.Object({
  ok: Type.Boolean(),
  device: Type.Optional(
    Type.Object({
      manufacturer: Type.String(),
      model: Type.String(),
      main: Nullable(Type.String({ description: 'Token of the largest picture' })),
      sub: Nullable(Type.String({ description: 'Token of a smaller picture of the same lens' })),
      profiles: Type.Array(OnvifProfile),
    }),
  ),
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
});

/** A status with its times written out. */
export function statusView(status: CameraStatus): Of<typeof StatusReply> {
  return { ...status, ...timesOf(status), sub: status.sub && { ...status.sub, ...timesOf(status.sub) } };
}

function timesOf(status: Pick<CameraStatus, 'since' | 'nextAttemptAt' | 'lastFrameAt' | 'error'>) {
  return {
    since: isoTime(status.since),
    nextAttemptAt: isoTimeOrNull(status.nextAttemptAt),
    lastFrameAt: isoTimeOrNull(status.lastFrameAt),
    error: status.error && { ...status.error, at: isoTime(status.error.at) },
  };
}

/**
 * A camera for this caller. Only administrators see settings and facts: with the address and a factory password, a
 * viewer could go around Perch.
 */
export function cameraView(fleet: Fleet, camera: Camera, caller: Caller | null): Of<typeof CameraReply> {
  const { settings, subSource, ...view } = fleet.view(camera);
  const status = statusView(camera.status());
  if (caller?.scope !== 'admin') return { ...view, settings: {}, status };
  return { ...view, settings, ...(subSource ? { subSource } : {}), status, facts: { ...camera.facts() } };
}
