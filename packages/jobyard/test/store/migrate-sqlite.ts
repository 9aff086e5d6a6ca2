import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { type MigrateReport, migrateUp } from '../../src/store/migrate.ts'
import { type Row, type Steps, sqliteDialect } from '../../src/store/sql.ts'

/** Drives steps on a SQLite connection. */
export function runOnSqlite<T>(database: DatabaseSync, steps: Steps<T>): T {
  let step = steps.next()
  while (!step.done) {
    let rows: Row[]
    try {
      rows = database.prepare(step.value.query.text(sqliteDialect)).all(...step.value.params) as Row[]
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(rows)
  }
  return step.value
}

/** As a program: migrates the database file of its first argument when it is told to, and prints what it did. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const database = new DatabaseSync(process.argv[2] ?? '', { timeout: 10_000 })
  process.once('message', () => {
    const report: MigrateReport = runOnSqlite(database, migrateUp({ dialect: sqliteDialect, at: 1 }))
    database.close()
    process.send?.(report, () => process.disconnect?.())
  })
  process.send?.('ready')
}
