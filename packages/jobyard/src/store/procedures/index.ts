import type { Store } from '../contract.ts'
import { reads } from './reads.ts'
import { writes } from './writes.ts'

export { reads, writes }

/** The repository with all its procedures. */
export type Repository = Store<typeof writes, typeof reads>
