import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { isOwnOrigin } from '../../services/http/session.ts'

const HARMLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses what another site has a browser do here. A browser that somebody has once signed in with by HTTP Basic sends the
 * password by itself, whoever makes it ask. It also says who does, in headers that no page can change: in `Sec-Fetch-Site`
 * (W3C Fetch Metadata) over TLS and on this machine, and elsewhere in `Origin`, with everything that may change
 * something (https://fetch.spec.whatwg.org/#origin-header). Other programs send neither. The User-Agent does not count: Kudu's
 * users were refused by it for nothing.
 */
export function refuseOtherSites(app: ApiApp, publicUrl: () => string): void {
  app.addHook('onRequest', async (request) => {
    if (!HARMLESS.has(request.method)) requireNoOtherSite(request, publicUrl())
  })
}

/** As {@link refuseOtherSites}, for an address where reading may do anything, too. Throws 'role-insufficient'. */
export function requireNoOtherSite(request: FastifyRequest, publicUrl: string): void {
  const { 'sec-fetch-site': from, origin } = request.headers
  if (from === 'same-origin' || from === 'none') return
  if (from === undefined && (origin === undefined || isOwnOrigin(origin, request, publicUrl))) return
  throw new JobyardError('role-insufficient', 'A page of another site may not do this in your name.')
}
