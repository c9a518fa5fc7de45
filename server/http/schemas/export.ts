// Exports as the interface shows them.

import Type from 'typebox';
import type { ExportStatus } from '../../recording/exporter.ts';
import { IsoTime, isoTime, isoTimeOrNull, Nullable, type Of, OneOf, strict } from './common.ts';

const MAX_REF_LENGTH = 100;

/** What is to be exported. */
export const ExportBody = Type.Object(
  {
    camera: Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH, description: 'Id or slug' }),
    from: IsoTime,
    to: IsoTime,
  },
  strict,
);

/** What an export would take. */
export const ExportEstimateReply = Type.Object({
  bytes: Type.Integer({ description: 'Of the file, about' }),
  neededBytes: Type.Integer({ description: 'Space that must be free while it is made' }),
  bytesFree: Type.Integer({ description: 'What exports may take' }),
});

/** One export. */
export const ExportReply = Type.Object({
  id: Type.String(),
  camera: Type.String({ description: 'Id' }),
  name: Type.String({ description: 'Of the camera' }),
  from: IsoTime,
  to: IsoTime,
  state: OneOf(['queued', 'running', 'done', 'failed']),
  progress: Type.Integer({ description: 'Per cent' }),
  secondsLeft: Nullable(Type.Integer()),
  bytes: Type.Integer({ description: 'Size; an estimate until it is done' }),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String() })),
  createdBy: Type.String(),
  createdAt: IsoTime,
  finishedAt: Nullable(IsoTime),
});

/** An export for a reply. */
export function exportView(row: ExportStatus): Of<typeof ExportReply> {
  const { id, camera, name, state, progress, secondsLeft, bytes, error, createdBy } = row;
  return {
    ...{ id, camera, name, state, secondsLeft, bytes, error, createdBy },
    ...{ from: isoTime(row.from), to: isoTime(row.to), progress: Math.floor(progress * 100) },
    ...{ createdAt: isoTime(row.createdAt), finishedAt: isoTimeOrNull(row.finishedAt) },
  };
}
