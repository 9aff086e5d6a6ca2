import type { Access } from '../../services/auth/bearer.ts'

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
 * `/v1` has not got it, and, where another dialect shares the address, whose it is.
 */
export function route(path: string, access: Access) {
  return {
    config: { access, credentials: 'any', idempotency: 'off' } as const,
    schema: { hide: true },
    ...(path.startsWith('/api/jobs') ? { constraints: { dialect: 'kudu' } } : {}),
  }
}
