// The Fastify instance as our routes see it: schemas give the types, and each route says who may use it.

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Access, Caller } from '../auth/caller.ts';

/** A Fastify instance whose handlers are typed by their TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route; a route without it stops the start. */
    access?: Access;
    /** On a public route: find out who is calling all the same; a caller that is not known is `null`. */
    identify?: boolean;
    /** The page may stand in a frame of any origin (the bare player). */
    embeddable?: boolean;
  }

  interface FastifyRequest {
    /** Who is asking; `null` on public and media preflight routes when nobody is. */
    caller: Caller | null;
    /**
     * Aborts when this caller's session, token or rights end. Never aborts for a request without a caller. Streams and
     * sockets end on it; it lives as long as the reply.
     */
    readonly callerSignal: AbortSignal;
  }
}
