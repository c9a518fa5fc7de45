// People, sessions and tokens as the interface shows them.

import Type from 'typebox';
import { MAX_USERNAME_LENGTH } from '../../auth/accounts.ts';
import { PASSWORD_LENGTH } from '../../auth/passwords.ts';
import { IsoTime, Nullable, OneOf, strict } from './common.ts';

const MAX_CAMERAS = 1000;
const MAX_REF_LENGTH = 100;
const MAX_TOKEN_NAME = 100;

const Username = Type.String({ minLength: 1, maxLength: MAX_USERNAME_LENGTH });
const NewPassword = Type.String({ minLength: PASSWORD_LENGTH.min, maxLength: PASSWORD_LENGTH.max });
const Role = OneOf(['admin', 'viewer']);
const TokenScope = OneOf(['admin', 'viewer', 'stream'], { description: 'stream: media URLs only' });
const CameraList = Nullable(
  Type.Array(Type.String({ minLength: 1, maxLength: MAX_REF_LENGTH }), {
    maxItems: MAX_CAMERAS,
    description: 'Slugs; null: all cameras',
  }),
);

/** Name and password of somebody who signs in: only bounded, so that every wrong one gets the same answer. */
export const Credentials = Type.Object(
  { username: Type.String({ maxLength: 1000 }), password: Type.String({ maxLength: 1000 }) },
  strict,
);

/** The first administrator. */
export const SetupInput = Type.Object({ username: Username, password: NewPassword }, strict);

/** A person as everybody may know them. */
export const SessionUser = Type.Object({ username: Type.String(), role: Role, cameras: CameraList });

/** `GET /api/session`. */
export const SessionReply = Type.Object({ setupRequired: Type.Boolean(), user: Nullable(SessionUser) });

/** A person in the list. */
export const UserReply = Type.Object({
  id: Type.String(),
  username: Type.String(),
  role: Role,
  cameras: CameraList,
  createdAt: IsoTime,
});

/** A new person. */
export const UserInput = Type.Object(
  { username: Username, password: NewPassword, role: Role, cameras: Type.Optional(CameraList) },
  strict,
);

/** A change of a person. */
export const UserPatch = Type.Partial(
  Type.Object({ username: Username, password: NewPassword, role: Role, cameras: CameraList }),
  strict,
);

/** A token in the list, without its secret. */
export const TokenReply = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scope: TokenScope,
  cameras: CameraList,
  username: Type.String({ description: 'Who made it; it may never do more than that user' }),
  createdAt: IsoTime,
  expiresAt: Nullable(IsoTime),
  lastUsedAt: Nullable(IsoTime),
});

/** A new token. */
export const TokenInput = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: MAX_TOKEN_NAME, pattern: '^[^\\u0000-\\u001f\\u007f]+$' }),
    scope: TokenScope,
    cameras: Type.Optional(CameraList),
    expiresAt: Type.Optional(Nullable(IsoTime)),
  },
  strict,
);

/** The one time that a token is shown. */
export const TokenCreated = Type.Object({ id: Type.String(), token: Type.String() });
