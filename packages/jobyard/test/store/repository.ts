import { join } from 'node:path'
import { systemClock } from '../../src/domain/clock.ts'
import { createIds, type Ids } from '../../src/domain/ids.ts'
import { DEFAULT_POLICY, type Policy } from '../../src/domain/model.ts'
import { type Repository, reads, writes } from '../../src/store/procedures/index.ts'
import { createSqliteStore } from '../../src/store/sqlite/store.ts'
import { askDatabase, type OpenDatabase } from '../support/ask-database.ts'
import { openPostgresStore } from '../support/postgres-store.ts'
import { ACTOR, type DatabaseName, makePlace } from '../support/stack.ts'

/** A repository without an engine, and a way past it to its rows. */
export interface OpenRepository extends OpenDatabase {
  readonly store: Repository
  readonly ids: Ids
  readonly collectionId: string
  /** Writes a job with these rules; `runs` is how many it is said to have had. */
  addJob(name: string, policy?: Partial<Policy>, runs?: number): Promise<string>
}

/** Opens an empty repository. */
export async function openRepository(name: DatabaseName): Promise<OpenRepository> {
  const place = await makePlace(name)
  const ids = createIds(systemClock)
  let closing = false
  // A connection is still closing when the pool says that it has ended, and the database may go before that.
  const onFatal = (error: Error) => {
    if (!closing) throw error
  }
  const { url } = place
  const path = join(place.folder, 'jobyard.db')
  const store: Repository =
    url === undefined
      ? createSqliteStore({ path, onFatal })
      : await openPostgresStore({ url, writes, reads, ids, onTrouble: onFatal })
  const rows = await askDatabase(place)
  const collectionId = ids.next()
  await store.write('addCollection', { id: collectionId, name: 'default', actor: ACTOR, at: 0 })
  let number = 0
  return {
    store,
    ids,
    collectionId,
    ask: rows.ask,
    addRows: rows.addRows,
    async addJob(name, policy = {}, runs = 0) {
      const id = ids.next()
      const common = {
        id,
        number: ++number,
        collection_id: collectionId,
        kind: 'test',
        type: 'test',
        name,
        name_key: name,
      }
      const rules = { spec: '{}', policy: JSON.stringify({ ...DEFAULT_POLICY, ...policy }), enabled: 1, version: 1 }
      await rows.addRows('job', [
        { ...common, ...rules, run_count: runs, warnings: '[]', created_at: 0, updated_at: 0 },
      ])
      return id
    },
    async close() {
      closing = true
      await rows.close()
      await store.stop()
      await place.drop()
    },
  }
}
