// Who is asking, and what that caller may do. Pure.

/** What a token, or a signed-in person, may do: `stream` opens media URLs only, `viewer` reads, `admin` changes. */
export type Scope = 'admin' | 'viewer' | 'stream';

/** A known caller. Rights are a snapshot: when they change, the caller is revoked and asks again. */
export type Caller = {
  /** `password` is HTTP Basic with a user's password; `token` is an API token, however it was sent. */
  readonly kind: 'session' | 'token' | 'password';
  /** The person; for a token the one who made it. */
  readonly userId: string | null;
  readonly tokenId: string | null;
  /** Hash of the session, never its secret. */
  readonly sessionId: string | null;
  readonly username: string;
  readonly scope: Scope;
  /** Camera ids; `null` means all. */
  readonly cameras: readonly string[] | null;
  /** Epoch milliseconds at which the session or token ends by itself; `null` means never. */
  readonly expiresAt: number | null;
};

/** What a route asks of its callers. `media`: any scope, also `?token=`. */
export type Access = 'public' | 'media' | 'viewer' | 'admin';

/** Whether the caller may know that this camera exists. */
export function maySee(caller: Caller, cameraId: string): boolean {
  return caller.cameras === null || caller.cameras.includes(cameraId);
}

/** Whether a known caller may use a route; which cameras is a separate question ({@link maySee}). */
export function mayUse(caller: Caller, access: Access): boolean {
  if (access === 'admin') return caller.scope === 'admin';
  if (access === 'viewer') return caller.scope !== 'stream';
  return true;
}
