// Settings of the whole system.

import Type from 'typebox';
import type { EncoderStatus } from '../../cameras/encoder-choice.ts';
import type { AuditLog } from '../../store/audit.ts';
import { defaultSettings, type SettingsTable, type SystemSettings } from '../../store/settings.ts';
import type { App } from '../app.ts';
import { writeAudit } from '../audit-trail.ts';
import { NoQuery, Nullable, OneOf, problems, strict } from '../schemas/common.ts';

/** What these routes work on. */
export type SettingsRoutesOptions = {
  readonly settings: SettingsTable;
  readonly audit: AuditLog;
  /** What is known of this machine's H.264 encoders. */
  readonly encoders: () => readonly EncoderStatus[];
};

const MAX_SITE_NAME = 60;
const MAX_RETENTION_DAYS = 3650;

const SiteName = Type.String({ minLength: 1, maxLength: MAX_SITE_NAME, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });
const RetentionDays = Type.Integer({ minimum: 1, maximum: MAX_RETENTION_DAYS });
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const SettingsReply = Type.Object({
  siteName: SiteName,
  eventDays: RetentionDays,
  maxRecordingBytes: Nullable(Bytes),
  minFreeBytes: Nullable(Bytes),
});
const SettingsPatch = Type.Partial(
  Type.Object({
    siteName: Nullable(SiteName),
    eventDays: Nullable(RetentionDays),
    maxRecordingBytes: Nullable(Bytes),
    minFreeBytes: Nullable(Bytes),
  }),
  strict,
);

const EncodersReply = Type.Array(
  Type.Object({
    kind: Type.String({ description: 'For recording.encoder.kind of a camera' }),
    state: OneOf(['works', 'fails', 'untried']),
    reason: Nullable(Type.String({ description: 'Why it fails; libx264 stands in' })),
  }),
);

/** `/api/settings` and `/api/encoders`. In a patch, null brings the default back. */
export async function settingsRoutes(app: App, { settings, audit, encoders }: SettingsRoutesOptions): Promise<void> {
  app.get(
    '/api/encoders',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['system'],
        summary: "This machine's H.264 encoders, tried when Perch started",
        querystring: NoQuery,
        response: { 200: EncodersReply, ...problems },
      },
    },
    async () => encoders().map((each) => ({ ...each })),
  );

  app.get(
    '/api/settings',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['system'],
        summary: 'Settings',
        querystring: NoQuery,
        response: { 200: SettingsReply, ...problems },
      },
    },
    async () => settings.current,
  );

  app.patch(
    '/api/settings',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['system'],
        summary: 'Change settings',
        body: SettingsPatch,
        response: { 200: SettingsReply, ...problems },
      },
    },
    async (request) => {
      const { siteName, eventDays, maxRecordingBytes, minFreeBytes } = request.body;
      const next: SystemSettings = {
        siteName: siteName === undefined ? settings.current.siteName : (siteName ?? defaultSettings.siteName),
        eventDays: eventDays === undefined ? settings.current.eventDays : (eventDays ?? defaultSettings.eventDays),
        maxRecordingBytes: maxRecordingBytes === undefined ? settings.current.maxRecordingBytes : maxRecordingBytes,
        minFreeBytes: minFreeBytes === undefined ? settings.current.minFreeBytes : minFreeBytes,
      };
      settings.set(next);
      writeAudit(audit, request, { action: 'settings.changed', detail: Object.keys(request.body).join(', ') });
      return next;
    },
  );
}
