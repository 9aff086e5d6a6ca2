import type { FastifyRequest } from 'fastify'
import { JobyardError } from '../../domain/errors.ts'
import { ROLES, type Role } from '../../store/procedures/access.ts'
import type { Actor } from '../../store/procedures/audit.ts'

/** Who sends a request, by the token it carries. */
export interface Bearer {
  readonly tokenId: string
  readonly name: string
  readonly role: Role
  /** The only collection that the token is good for; null: all. */
  readonly collectionId: string | null
}

/** Who may use a route: bearers of this role or a greater one; or `open`, anybody. */
export type Access = Role | 'open'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route must say who may use it; one that does not is refused at the start. */
    access?: Access
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
    /** The secret of the session that stands for the bearer's token; null where a token was sent. */
    sessionSecret: string | null
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

/** Whether a role may do what another one may. */
export function mayActAs(role: Role, wanted: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(wanted)
}

/** Lets only bearers pass whose role suffices. Throws 'role-insufficient', which names the role that is needed. */
export function requireRole({ name, role }: Bearer, wanted: Role): void {
  if (mayActAs(role, wanted)) return
  const article = /^[aeiou]/.test(role) ? 'an' : 'a'
  throw new JobyardError(
    'role-insufficient',
    `This needs the role ${wanted}; the token ${name} is ${article} ${role}.`,
    {
      hint: `Use a token with the role ${wanted}${wanted === 'admin' ? '' : ' or a greater one'}.`,
      data: { needed: wanted, role },
    },
  )
}

/** Lets only bearers pass that are not limited to a collection. Throws 'role-insufficient'. */
export function requireWhole({ name, collectionId }: Bearer): void {
  if (collectionId === null) return
  throw new JobyardError(
    'role-insufficient',
    `This is about the whole installation; the token ${name} is good for one collection only.`,
    { hint: 'Use a token that is not limited to a collection.' },
  )
}
