// What kinds of cameras Perch knows, and which answer on the network.

import Type from 'typebox';
import type { Discovery } from '../../cameras/discovery.ts';
import type { Fleet } from '../../cameras/fleet.ts';
import type { App } from '../app.ts';
import { DiscoveryReply, DriverReply } from '../schemas/camera.ts';
import { NoQuery, problems } from '../schemas/common.ts';

/** What these routes work on. */
export type DriverRoutesOptions = { readonly fleet: Fleet; readonly discovery: Discovery };

/** `/api/drivers` and `/api/discovery`. */
export async function driverRoutes(app: App, { fleet, discovery }: DriverRoutesOptions): Promise<void> {
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
      fleet.drivers().map(({ id, name, description, settingsSchema, capabilities }) => ({
        id,
        name,
        description,
        settingsSchema: { ...settingsSchema },
        capabilities: {
          video: [...capabilities.video],
          audio: [...capabilities.audio],
          discovery: capabilities.discovery,
        },
      })),
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
