import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Authenticator } from './auth/authenticator.ts'
import type { Lockout } from './auth/lockout.ts'
import type { Directory } from './directory.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import type { ApiServices, ApiSettings } from './services.ts'
import type { Shower } from './views/shower.ts'
import type { Webhooks } from './webhooks.ts'

/** The Fastify application, its routes' types taken from their schemas. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What every route works with. */
export interface ApiContext {
  readonly services: ApiServices
  readonly settings: Required<Omit<ApiSettings, 'tls'>>
  readonly authenticator: Authenticator
  readonly webhookLockout: Lockout
  readonly directory: Directory
  readonly shower: Shower
  readonly keys: IdempotencyKeys
  readonly webhooks: Webhooks
  /** Aborts when the server is about to close: live streams end then. */
  readonly closing: AbortSignal
}
