import type { Clock } from '../domain/clock.ts'
import { JobyardError } from '../domain/errors.ts'
import type { Ids } from '../domain/ids.ts'
import type { Repository } from '../store/procedures/index.ts'

/** The collection of whoever names none. */
const DEFAULT_COLLECTION = 'default'

/** Sees to it that there is a collection to put jobs into. */
export async function ensureDefaultCollection(store: Repository, ids: Ids, clock: Clock): Promise<void> {
  const collections = await store.read('listCollections', undefined)
  if (collections.some(({ name }) => name === DEFAULT_COLLECTION)) return
  const actor = { name: 'server', role: 'server', address: null }
  try {
    await store.write('addCollection', { id: ids.next(), name: DEFAULT_COLLECTION, actor, at: clock.now() })
  } catch (error) {
    // Another instance was a moment quicker.
    if (!(error instanceof JobyardError && error.code === 'collection-exists')) throw error
  }
}
