import type { Role } from '@jobyard/client'
import { useQuery } from '@tanstack/react-query'
import { meQuery } from './queries.ts'

const ROLES: readonly Role[] = ['admin', 'deployer', 'operator', 'viewer']

/** Whether a role may do what another one may. */
export function mayActAs(role: Role, wanted: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(wanted)
}

/** Whether who is signed in may do what a role may. What nobody may is not offered; the server checks all the same. */
export function useMay(role: Role): boolean {
  const { data } = useQuery(meQuery)
  return data !== undefined && mayActAs(data.role, role)
}
