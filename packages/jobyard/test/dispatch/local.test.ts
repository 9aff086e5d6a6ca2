import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createLocalDispatcher } from '../../src/dispatch/local.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { migrateUp } from '../../src/store/migrate.ts'
import { sqliteDialect } from '../../src/store/sql.ts'
import { runOnSqlite } from '../store/migrate-sqlite.ts'
import { type Bench, exerciseDispatcher, type TestRun } from './exercise.ts'
import { INSERT_RUN } from './run-table.ts'

async function openBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'jobyard-dispatch-'))
  const database = new DatabaseSync(join(folder, 'test.db'))
  database.exec('pragma journal_mode = wal; pragma synchronous = off')
  runOnSqlite(database, migrateUp({ dialect: sqliteDialect, at: 1 }))
  const insertOne = database.prepare(INSERT_RUN)
  const take = database.prepare(
    `update run set owner = ?, dispatch_at = null where id in (
      select id from run where dispatch_at <= ? and (? is null or id in (select value from json_each(?)))
      order by dispatch_at, id limit ?) returning id`,
  )
  const next = database.prepare('select min(dispatch_at) as due from run where dispatch_at is not null')
  const insert = async (runs: readonly TestRun[]) => {
    database.exec('begin')
    for (const { id, at } of runs) insertOne.run(id, at)
    database.exec('commit')
  }
  return {
    insert,
    insertUnheard: insert,
    // Without messages there is nothing to repeat and nothing to sweep: it looks by itself.
    repeat: async () => undefined,
    sweep: async () => undefined,
    async claim(owner, limit, runIds) {
      const names = runIds === undefined ? null : JSON.stringify(runIds)
      const rows = take.all(owner, Date.now(), names, names, limit)
      return { ids: rows.map(({ id }) => String(id)), nextDue: next.get()?.due as number | null }
    },
    async createDispatcher(_name, onError) {
      return createLocalDispatcher({ clock: systemClock, random: Math.random, onError, fallbackMs: 500 })
    },
    async close() {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

exerciseDispatcher('dispatch on the embedded database', openBench)
