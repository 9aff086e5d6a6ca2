import type { FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { type Access, requireRole, requireWhole } from '../auth/bearer.ts'
import { readCredentials } from '../auth/credentials.ts'
import { type Lockout, senderOf } from '../auth/lockout.ts'
import type { ApiApp } from './api-app.ts'

/** The longest token that is looked at, in characters. */
const LONGEST_TOKEN = 512

/**
 * Has every route ask for what its `access` says, before any of a body is read. A wrong token counts against its sender,
 * and when there were too many the refusal becomes 429. A right one is always let through: otherwise anybody behind
 * the same proxy could lock everybody out.
 */
export function guardRoutes(app: ApiApp, authenticator: Authenticator, lockout: Lockout): void {
  app.decorateRequest('bearer', null)
  const table = new Map<string, Access>()
  app.decorate('routeAccess', table)
  app.addHook('onRoute', ({ url, method, config }) => {
    const access = config?.access
    if (access === undefined) throw new Error(`The route ${method} ${url} does not say who may use it.`)
    // The dialects answer for their own addresses themselves, with what their clients expect.
    if (config?.credentials !== undefined) return
    for (const each of [method].flat()) table.set(`${each} ${url}`, access)
  })
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const { access, whole, credentials, otherwise } = request.routeOptions.config
    // Only the answer to unknown addresses has none.
    if (access === undefined || access === 'open') return
    const token = credentials === 'any' ? secretOf(request) : tokenOf(request)
    const known = token.length > LONGEST_TOKEN ? null : await authenticator.authenticate(token)
    // Passwords can be guessed, so whoever has been wrong too often is not asked for one.
    const sender = senderOf(request.ip)
    if (known === null) lockout.check(sender)
    const bearer = known ?? (await otherwise?.(request, token)) ?? null
    if (bearer === null) {
      lockout.fail(sender)
      throw new JobyardError('token-invalid')
    }
    request.bearer = bearer
    reply.log = request.log = request.log.child({ token: bearer.name })
    requireRole(bearer, access)
    if (whole === true) requireWhole(bearer)
  })
}

/** The token that a request carries, whether it is good or not. Throws 'token-missing'. */
export function tokenOf({ headers: { authorization } }: FastifyRequest): string {
  if (authorization === undefined) throw new JobyardError('token-missing')
  const [, token] = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization) ?? []
  if (token === undefined) {
    throw new JobyardError('token-missing', 'The header Authorization holds no Bearer token.')
  }
  return token
}

/** The token that a request carries as Bearer or as the password of HTTP Basic. Throws 'token-missing'. */
function secretOf({ headers: { authorization } }: FastifyRequest): string {
  const credentials = readCredentials(authorization)
  if (credentials === undefined) throw new JobyardError('token-missing')
  return credentials.secret
}
