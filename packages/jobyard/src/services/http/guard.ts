import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { type Access, type Bearer, requireRole, requireWhole } from '../auth/bearer.ts'
import { readCredentials } from '../auth/credentials.ts'
import { type Lockout, senderOf } from '../auth/lockout.ts'
import type { ApiApp } from './api-app.ts'
import { readSessionCookie, requireOwnPage } from './session.ts'

/** The longest token that is looked at, in characters. */
const LONGEST_TOKEN = 512

/**
 * Has every route ask for what its `access` says, before any of a body is read. A wrong token counts against its sender,
 * and when there were too many the refusal becomes 429. A right one is always let through: otherwise anybody behind
 * the same proxy could lock everybody out. A browser may send its session in the place of a token.
 */
export function guardRoutes(
  app: ApiApp,
  authenticator: Authenticator,
  lockout: Lockout,
  publicUrl: () => string,
): void {
  app.decorateRequest('bearer', null)
  app.decorateRequest('sessionSecret', null)
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
    const config = app.ownAddresses.of(request)?.config ?? request.routeOptions.config
    const { access, whole, credentials } = config
    // Only the answer to unknown addresses has none.
    if (access === undefined || access === 'open') return
    const sender = senderOf(request.ip)
    const isOurs = credentials === undefined && request.headers.authorization === undefined
    const secret = isOurs ? readSessionCookie(request, publicUrl()) : undefined
    const bearer =
      secret === undefined
        ? await admitToken(request, config, authenticator, () => lockout.check(sender))
        : await admitSession(request, secret, authenticator, publicUrl())
    if (bearer === null) {
      lockout.check(sender)
      lockout.fail(sender)
      throw secret === undefined ? new JobyardError('token-invalid') : sessionOver()
    }
    request.bearer = bearer
    reply.log = request.log = request.log.child({ token: bearer.name })
    requireRole(bearer, access)
    if (whole === true) requireWhole(bearer)
  })
}

/** `check` is called before anybody is asked for a password who has been wrong too often: passwords can be guessed. */
async function admitToken(
  request: FastifyRequest,
  { credentials, otherwise }: FastifyContextConfig,
  authenticator: Authenticator,
  check: () => void,
): Promise<Bearer | null> {
  const token = credentials === 'any' ? secretOf(request) : readToken(request)
  const known = token.length > LONGEST_TOKEN ? null : await authenticator.authenticate(token)
  if (known !== null) return known
  check()
  return (await otherwise?.(request, token)) ?? null
}

async function admitSession(
  request: FastifyRequest,
  secret: string,
  authenticator: Authenticator,
  publicUrl: string,
): Promise<Bearer | null> {
  requireOwnPage(request, publicUrl)
  const bearer = await authenticator.authenticateSession(secret)
  if (bearer !== null) request.sessionSecret = secret
  return bearer
}

function sessionOver(): JobyardError {
  return new JobyardError('token-invalid', 'The session is over.', { hint: 'Sign in again.' })
}

/** Whose request it still is: for live streams, which outlive the look at their beginning. Null when it is nobody's any more. */
export function admitAgain(request: FastifyRequest, authenticator: Authenticator): Promise<Bearer | null> {
  const { sessionSecret } = request
  if (sessionSecret !== null) return authenticator.authenticateSession(sessionSecret)
  return authenticator.authenticate(readToken(request))
}

/** The token that a request carries, whether it is good or not. Throws 'token-missing'. */
function readToken({ headers: { authorization } }: FastifyRequest): string {
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
