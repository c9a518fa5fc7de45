// What kinds of cameras Perch knows, and which answer on the network.

import Type from 'typebox';
import type { DeviceChannels } from '../../cameras/device-channels.ts';
import type { Discovery } from '../../cameras/discovery.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import { dialPlan } from '../../core/dial-step.ts';
import { NvrError } from '../../core/nvr-error.ts';
import type { App } from '../app.ts';
import { requestSignal } from '../request-signal.ts';
import {
  ChannelReply,
  ChannelsInput,
  ChannelsLine,
  DiscoveryReply,
  DriverReply,
  OnvifInput,
  OnvifReply,
} from '../schemas/camera.ts';
import { jsonOrLines, NoQuery, problems, strict } from '../schemas/common.ts';
import { LINES_TYPE, sendLines, wantsLines } from '../step-lines.ts';

/** What these routes work on. */
export type DriverRoutesOptions = {
  readonly fleet: Fleet;
  readonly discovery: Discovery;
  readonly channels: DeviceChannels;
};

const DriverParams = Type.Object({ driver: Type.String({ minLength: 1, maxLength: 40 }) }, strict);

/** `/api/drivers` and `/api/discovery`. */
export async function driverRoutes(app: App, { fleet, discovery, channels }: DriverRoutesOptions): Promise<void> {
  app.get(
    '/api/drivers',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['cameras'],
        summary: 'All drivers',
        querystring: NoQuery,
        response: { 200: Type.Array(DriverReply), ...problems },
      },
    },
    async () =>
      fleet.drivers().map(({ id, name, description, settingsSchema, capabilities, steps, outside, channels: ask }) => ({
        id,
        name,
        description,
        settingsSchema: { ...settingsSchema },
        capabilities: {
          video: [...capabilities.video],
          audio: [...capabilities.audio],
          discovery: capabilities.discovery,
        },
        channels: ask !== undefined,
        steps: dialPlan(steps).map(({ id: step, title }) => ({ id: step, title })),
        outside: outside ? { hosts: [...outside.hosts], setting: outside.setting } : null,
      })),
  );

  app.post(
    '/api/drivers/:driver/channels',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['cameras'],
        summary: 'The channels of a device (a recorder), found without playing any',
        description: `With \`Accept: ${LINES_TYPE}\` the reply is one line of JSON for each step as it is reached, then one with the result.`,
        params: DriverParams,
        body: ChannelsInput,
        response: { 200: jsonOrLines(Type.Array(ChannelReply), ChannelsLine), ...problems },
      },
    },
    async (request, reply) => {
      const input = { ...request.body, driver: request.params.driver };
      if (wantsLines(request)) return sendLines(request, reply, (listener) => channels.run(input, listener));
      const result = await channels.run(input, { signal: requestSignal(request, reply) });
      if (!result.ok) throw new NvrError(result.error.code, result.error.message);
      return [...result.channels];
    },
  );

  app.post(
    '/api/drivers/onvif/profiles',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['cameras'],
        summary: 'The streams of an ONVIF device; nothing is stored',
        description: 'To add one: the `url` of a profile with the driver `rtsp`, and a smaller one as its `subSource`.',
        body: OnvifInput,
        response: { 200: OnvifReply, ...problems },
      },
    },
    async (request, reply) => {
      const result = await discovery.streams(request.body, requestSignal(request, reply));
      if (!result.ok) return result;
      return { ok: true, device: { ...result.device, profiles: [...result.device.profiles] } };
    },
  );

  app.post(
    '/api/discovery',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['cameras'],
        summary: 'Look for cameras on the network',
        response: { 200: DiscoveryReply, ...problems },
      },
    },
    async () => ({ found: (await discovery.run()).map((camera) => ({ ...camera, settings: { ...camera.settings } })) }),
  );
}
