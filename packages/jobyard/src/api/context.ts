import type { Lockout } from '../services/auth/lockout.ts'
import type { ServiceContext } from '../services/context.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import type { LiveReaders } from './live/readers.ts'
import type { Shower } from './views/shower.ts'

/** What every route of `/v1` works with. */
export interface ApiContext extends ServiceContext {
  readonly webhookLockout: Lockout
  readonly shower: Shower
  readonly readers: LiveReaders
  readonly keys: IdempotencyKeys
}
