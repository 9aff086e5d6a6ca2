import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'

const HARMLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses what another site has a browser do here. A browser that somebody has once signed in with by HTTP Basic sends the
 * password by itself, whoever makes it ask. It also says who does, in a header that no page can change (W3C Fetch Metadata);
 * other programs send none. The User-Agent does not count: Kudu's users were refused by it for nothing.
 */
export function refuseOtherSites(app: ApiApp): void {
  app.addHook('onRequest', async ({ method, headers }) => {
    const from = headers['sec-fetch-site']
    if (from === undefined || from === 'same-origin' || from === 'none' || HARMLESS.has(method)) return
    throw new JobyardError('role-insufficient', 'A page of another site may not do this in your name.')
  })
}
