import type { Access } from '../../services/auth/bearer.ts'

/** Addresses that IoT Central has, too, or that a page may have. */
const SHARED = /^\/(?:api\/jobs|jobs|settings)(?=\/|$)|^\/api(?:\/\*)?$/

/** The types of a route of one job. */
export interface OfJob {
  Params: { name: string }
}

/** The types of a route of one run. */
export interface OfRun {
  Params: { name: string; id: string }
}

/**
 * What every route of Kudu says of itself: who may use it, that a token may come by HTTP Basic, that the description of
 * `/v1` has not got it, and whose it is where others share the address.
 */
export function route(path: string, access: Access) {
  return {
    config: { access, credentials: 'any', idempotency: 'off' } as const,
    schema: { hide: true },
    ...(SHARED.test(path) ? { constraints: { dialect: 'kudu' } } : {}),
  }
}
