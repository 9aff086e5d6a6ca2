import { JobyardError } from '../../domain/errors.ts'
import { ROLES, type Role } from '../../store/procedures/tokens.ts'

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
