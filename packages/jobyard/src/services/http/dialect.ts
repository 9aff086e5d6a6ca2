import type { IncomingMessage } from 'node:http'
import type { ServiceContext } from '../context.ts'
import type { ApiApp } from './api-app.ts'

/** The interface of another program: adds its routes to an application that is its own scope of the whole. */
export type Dialect = (app: ApiApp, context: ServiceContext) => void | Promise<void>

/** Addresses below which two dialects live. */
const SHARED = /^\/api\/jobs(?=[/?]|$)/i

/**
 * Tells the dialects apart that share addresses: of `/api/jobs`, IoT Central's is the request with `api-version`, which its
 * clients always send and Kudu's never do. A route says whose it is by `constraints: { dialect: 'kudu' }`.
 */
export const byDialect = {
  name: 'dialect',
  storage<Handler>() {
    const handlers = new Map<string, Handler>()
    return {
      get: (dialect: string) => handlers.get(dialect) ?? null,
      set: (dialect: string, handler: Handler) => void handlers.set(dialect, handler),
    }
  },
  validate: () => true,
  deriveConstraint: ({ url = '' }: IncomingMessage) =>
    SHARED.test(url) && /[?&]api-version=/i.test(url) ? 'iot-central' : 'kudu',
}
