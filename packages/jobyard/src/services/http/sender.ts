import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import type { Actor } from '../../store/procedures/audit.ts'
import type { Access, Bearer } from '../auth/bearer.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route must say who may use it; one that does not is refused at the start. */
    access?: Access
    /** How the token may come to a route of a dialect: as Bearer only, or as the password of HTTP Basic, too. */
    credentials?: 'bearer' | 'any'
    /** Asked when what came is no token: whom it stands for on this route alone; null: nobody. */
    otherwise?: (request: FastifyRequest, secret: string) => Promise<Bearer | null>
    /** True: about the whole installation, so not for tokens that are limited to a collection. */
    whole?: boolean
    /** What becomes of an Idempotency-Key: `off` where nothing changes, `own` where the route sees to it. Default `on` for writes. */
    idempotency?: 'off' | 'own'
    /** Statuses of refusals that the description lists besides those that follow from the route's form. */
    refusals?: readonly number[]
  }
  interface FastifyInstance {
    /** Who may use which route, by method and path: `GET /v1/me`. */
    readonly routeAccess: ReadonlyMap<string, Access>
  }
  interface FastifyRequest {
    /** Set before any route with a role begins. */
    bearer: Bearer | null
  }
}

/** The sender of a request to a route that wants a token. */
export function bearerOf(request: FastifyRequest): Bearer {
  if (request.bearer === null) throw new JobyardError('token-missing')
  return request.bearer
}

/** The sender of a request as the audit log names it. */
export function actorOf(request: FastifyRequest): Actor {
  const { name, role } = bearerOf(request)
  return { name, role, address: request.ip }
}
