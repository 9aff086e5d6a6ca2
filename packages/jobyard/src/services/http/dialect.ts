import type { IncomingMessage } from 'node:http'
import type { ServiceContext } from '../context.ts'
import type { ApiApp } from './api-app.ts'

/** The interface of another program: adds its routes to an application that is its own scope of the whole. */
export type Dialect = (app: ApiApp, context: ServiceContext) => void | Promise<void>

/** Addresses that both Kudu and IoT Central have. */
const OF_TWO = /^\/api\/jobs(?=[/?]|$)/i
/** Kudu's addresses at the root, where people's pages are, too. */
const AT_ROOT = /^\/(?:jobs|settings)(?=[/?]|$)/i

/** Whose a request is that others could answer, too. */
type Addressee = 'kudu' | 'iot-central' | 'page'

/**
 * Tells apart who shares addresses. Of `/api/jobs`, IoT Central's is the request with `api-version`, which its clients always
 * send and Kudu's never do. Of `/jobs` and `/settings`, that of a browser which opens a page is not Kudu's: it asks for
 * HTML and sends no token. A route says whose it is by `constraints: { dialect: 'kudu' }`.
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
  deriveConstraint: addresseeOf,
}

/** Whose a request is, if it is for an address that several have. */
export function addresseeOf({ url = '', method, headers }: IncomingMessage): Addressee {
  if (OF_TWO.test(url)) return /[?&]api-version=/i.test(url) ? 'iot-central' : 'kudu'
  const opens = method === 'GET' && headers.authorization === undefined && headers.accept?.includes('text/html')
  return opens === true && AT_ROOT.test(url) ? 'page' : 'kudu'
}
