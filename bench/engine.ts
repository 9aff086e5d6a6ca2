import { hostname } from 'node:os'
import { join } from 'node:path'
import { createLocalDispatcher } from '../packages/jobyard/src/dispatch/local.ts'
import { systemClock } from '../packages/jobyard/src/domain/clock.ts'
import { createIds } from '../packages/jobyard/src/domain/ids.ts'
import { Engine } from '../packages/jobyard/src/engine/engine.ts'
import { Events } from '../packages/jobyard/src/engine/events.ts'
import { Jobs } from '../packages/jobyard/src/engine/jobs.ts'
import type { JobKind } from '../packages/jobyard/src/engine/kind.ts'
import type { EngineParts } from '../packages/jobyard/src/engine/parts.ts'
import { migrateUp } from '../packages/jobyard/src/store/migrate.ts'
import { createOutputStore } from '../packages/jobyard/src/store/output/store.ts'
import type { Repository } from '../packages/jobyard/src/store/procedures/index.ts'
import { sqliteDialect } from '../packages/jobyard/src/store/sql.ts'
import { SqliteDatabase } from '../packages/jobyard/src/store/sqlite/database.ts'
import { createSqliteStore } from '../packages/jobyard/src/store/sqlite/store.ts'

/** Who the measures act as. */
export const ACTOR = { name: 'bench', role: 'admin', address: null } as const

/** An engine without processes and without an interface, on the embedded databases. */
export interface BenchEngine extends AsyncDisposable {
  readonly engine: Engine
  readonly jobs: Jobs
  readonly ids: EngineParts['ids']
  readonly events: Events
  readonly collectionId: string
  /** Path of the database. */
  readonly file: string
}

/** Makes the database of a folder; answers its path. */
export function makeDatabase(folder: string): string {
  const file = join(folder, 'jobyard.db')
  const database = new SqliteDatabase(file, { readOnly: false })
  database.run(migrateUp({ dialect: sqliteDialect, at: Date.now() }))
  database.close()
  return file
}

/** Starts an engine on a new folder, with a single kind. */
export async function startBenchEngine(folder: string, kind: JobKind, concurrency: number): Promise<BenchEngine> {
  const file = makeDatabase(folder)
  const clock = systemClock
  const ids = createIds(clock)
  const events = new Events(() => clock.now())
  const onFatal = fail
  const output = await createOutputStore({ database: { kind: 'sqlite', path: join(folder, 'output.db') }, onFatal })
  const store: Repository = createSqliteStore({ path: file, onFatal })
  const { random } = Math
  const parts: EngineParts = { store, output, clock, ids, random, events, kinds: new Map([[kind.name, kind]]) }
  events.listen(({ event }) => {
    if (event.type === 'error') fail(event.error)
  })
  const engine = new Engine(parts, {
    identity: { id: ids.next(), name: 'bench' },
    dispatcher: createLocalDispatcher({ clock, random, onError: fail }),
    lease: { leaseMs: 15_000, alone: true, host: hostname(), pid: process.pid, version: '0' },
    concurrency,
    drainMs: 0,
  })
  await engine.start()
  const collection = { id: ids.next(), name: 'default', actor: ACTOR, at: clock.now() }
  const { id: collectionId } = await store.write('addCollection', collection)
  return {
    engine,
    jobs: new Jobs(parts, engine),
    ids,
    events,
    collectionId,
    file,
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await output.stop()
      await store.stop()
    },
  }
}

/** Nothing that is measured may be in trouble: figures of a broken engine would be worthless. */
function fail(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
