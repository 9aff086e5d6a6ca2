import type { Authenticator } from './auth/authenticator.ts'
import type { Lockout } from './auth/lockout.ts'
import type { Directory } from './directory.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import type { LiveReaders } from './live/readers.ts'
import type { ApiServices, ApiSettings } from './services.ts'
import type { Shower } from './views/shower.ts'
import type { Webhooks } from './webhooks.ts'

/** How the interface is set up, with every default filled in. */
export type FullSettings = Required<Omit<ApiSettings, 'tls'>>

/** What every route works with. */
export interface ApiContext {
  readonly services: ApiServices
  readonly settings: FullSettings
  readonly authenticator: Authenticator
  readonly webhookLockout: Lockout
  readonly directory: Directory
  readonly shower: Shower
  readonly readers: LiveReaders
  readonly keys: IdempotencyKeys
  readonly webhooks: Webhooks
  /** Aborts when the server is about to close: live streams end then. */
  readonly closing: AbortSignal
}
