// The audit trail.

import Type from 'typebox';
import { NvrError } from '../../core/nvr-error.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { App } from '../app.ts';
import { IsoTime, isoTime, Nullable, problems, strict } from '../schemas/common.ts';

/** What this route works on. */
export type AuditRoutesOptions = { readonly audit: AuditLog };

const MAX_PAGE = 1000;
const PAGE = 200;

const AuditQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: PAGE })),
    before: Type.Optional(
      Type.String({ pattern: '^aud_\\d{1,15}$', description: 'Entries older than the one with this id' }),
    ),
  },
  strict,
);

const AuditReply = Type.Object({
  id: Type.String(),
  at: IsoTime,
  username: Type.String(),
  via: Type.String({ description: 'session, password, token or none' }),
  address: Type.String(),
  action: Type.String(),
  target: Nullable(Type.String()),
  detail: Nullable(Type.String()),
});

/** `GET /api/audit`: newest first. */
export async function auditRoutes(app: App, { audit }: AuditRoutesOptions): Promise<void> {
  app.get(
    '/api/audit',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['system'],
        summary: 'Who did what, newest first',
        querystring: AuditQuery,
        response: { 200: Type.Array(AuditReply), ...problems },
      },
    },
    async ({ query }) => {
      const before = query.before === undefined ? undefined : Number(query.before.slice('aud_'.length));
      if (before !== undefined && !Number.isSafeInteger(before))
        throw new NvrError('bad_input', 'query before is not an id');
      return audit
        .list(query.limit ?? PAGE, before)
        .map((entry) => ({ ...entry, id: `aud_${entry.id}`, at: isoTime(entry.at) }));
    },
  );
}
