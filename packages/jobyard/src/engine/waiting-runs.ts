import type { EngineParts } from './parts.ts'
import { persist } from './persist.ts'

/** Runs read at once. */
const PAGE = 500

/**
 * The ids of an owner's runs that have pending tasks on record. It is tried until the database answers; while `isWanted`
 * says no, what is missing is left out.
 */
export async function readWaitingRuns(parts: EngineParts, owner: string, isWanted: () => boolean): Promise<string[]> {
  const ids: string[] = []
  const states = ['running', 'suspending', 'suspended'] as const
  for (let before: string | undefined; ; ) {
    const filter = { states, limit: PAGE, ...(before === undefined ? {} : { before }) }
    const page = await persist(parts, 'read runs', () => parts.store.read('listRuns', filter), isWanted)
    for (const run of page ?? []) if (run.owner === owner && run.counts.pending > 0) ids.push(run.id)
    before = page?.at(-1)?.id
    if (page === undefined || page.length < PAGE) return ids
  }
}
