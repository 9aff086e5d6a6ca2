import { readdirSync, readFileSync } from 'node:fs'
import { JobyardError } from '../domain/errors.ts'
import { all, type Dialect, execute, first, Query, type Steps, sql } from './sql.ts'

/** One numbered change of the schema, as its files say it. */
export interface Migration {
  readonly number: number
  readonly name: string
  /** True unless its first line is `-- compatible`: programs that do not know it cannot work on the changed schema. */
  readonly breaking: boolean
  readonly up: string
  readonly down: string
}

/** What a migrator needs. */
export interface MigrateOptions {
  readonly dialect: Dialect
  /** Epoch milliseconds, noted with each migration. */
  readonly at: number
  /** The migrations to work with; those of this program by default. */
  readonly migrations?: readonly Migration[]
}

/** What a migrator did. */
export interface MigrateReport {
  /** Numbers of the migrations that were applied or taken back, in that order. */
  readonly done: readonly number[]
  /** Numbers that only a newer program knows and this one can live with. */
  readonly unknown: readonly number[]
}

/** What the databases call the types that stand in braces in the migrations. */
const TOKENS: Readonly<Record<Dialect['name'], Readonly<Record<string, string>>>> = {
  sqlite: { text: 'TEXT', int: 'INTEGER', blob: 'BLOB', id: 'TEXT', keyed: ' without rowid' },
  postgres: { text: 'text', int: 'bigint', blob: 'bytea', id: 'text collate "C"', keyed: '' },
}

/** PostgreSQL's advisory lock that all migrators of a database wait for. */
const MIGRATION_LOCK = 5_608_209_771

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.up\.sql$/

/** Reads the numbered files beside this module, in their order. */
export function readMigrations(folder: URL = new URL('./migrations/', import.meta.url)): Migration[] {
  const migrations = readdirSync(folder).flatMap((file): Migration[] => {
    const [, number, name] = FILE_NAME.exec(file) ?? []
    if (number === undefined || name === undefined) return []
    const up = readFileSync(new URL(file, folder), 'utf8')
    const down = readFileSync(new URL(file.replace('.up.', '.down.'), folder), 'utf8')
    return [{ number: Number(number), name, breaking: !up.startsWith('-- compatible'), up, down }]
  })
  migrations.sort((a, b) => a.number - b.number)
  for (const [index, { number }] of migrations.entries()) {
    if (number !== index + 1) throw new Error(`Migration ${index + 1} is missing or there twice in ${folder.pathname}.`)
  }
  return migrations
}

/**
 * Brings the schema up to the newest migration. Each has a transaction of its own that begins with its row: a second
 * migrator of the same moment waits for that row, finds it there, and goes on. Throws `store-newer` when a newer
 * program has changed the schema in a way that this one does not know.
 */
export function* migrateUp(options: MigrateOptions): Steps<MigrateReport> {
  const { dialect, at, migrations = readMigrations() } = options
  yield* transact(dialect, () => createTable(dialect))
  const unknown = yield* checkUnknown(migrations)
  const applied = new Set((yield* all<{ number: number }>(appliedNumbers)).map(({ number }) => number))
  const done: number[] = []
  for (const migration of migrations.filter(({ number }) => !applied.has(number))) {
    if (yield* transact(dialect, () => apply(migration, dialect, at))) done.push(migration.number)
  }
  return { done, unknown }
}

/** Takes migrations back, the newest first, until `to` is the newest that is left; 0 takes back all. */
export function* migrateDown(options: MigrateOptions & { readonly to: number }): Steps<MigrateReport> {
  const { dialect, to, migrations = readMigrations() } = options
  yield* transact(dialect, () => createTable(dialect))
  const unknown = yield* checkUnknown(migrations)
  const done: number[] = []
  for (const migration of migrations.toReversed().filter(({ number }) => number > to)) {
    if (yield* transact(dialect, () => revert(migration, dialect))) done.push(migration.number)
  }
  return { done, unknown }
}

const createSchema = sql('create schema if not exists jobyard')
const createMigration = sql(
  (d) => `create table if not exists migration (
    number ${TOKENS[d.name].int} primary key,
    name ${TOKENS[d.name].text} not null,
    applied_at ${TOKENS[d.name].int} not null,
    breaking ${TOKENS[d.name].int} not null
  )${TOKENS[d.name].keyed}`,
)
const appliedNumbers = sql('select number from migration order by number')
const newerRows = sql('select number, name, breaking from migration where number > ? order by number')
const insertRow = sql(
  `insert into migration (number, name, applied_at, breaking) values (?, ?, ?, ?)
    on conflict (number) do nothing returning number`,
)
const deleteRow = sql('delete from migration where number = ? returning number')

function* createTable(dialect: Dialect): Steps<void> {
  if (dialect.name === 'postgres') yield* execute(createSchema)
  yield* execute(createMigration)
}

function* checkUnknown(migrations: readonly Migration[]): Steps<readonly number[]> {
  const known = migrations.at(-1)?.number ?? 0
  const newer = yield* all<{ number: number; name: string; breaking: number }>(newerRows, known)
  const blocker = newer.find(({ breaking }) => breaking === 1)
  if (blocker !== undefined) {
    const message =
      `The database is at migration ${blocker.number} (${blocker.name}); ` +
      `this program knows migrations up to ${known} and cannot work on what the newer one changed.`
    throw new JobyardError('store-newer', message, { data: { database: blocker.number, program: known } })
  }
  return newer.map(({ number }) => number)
}

/** True when it was applied here; false when another migrator was first. */
function* apply({ number, name, breaking, up }: Migration, dialect: Dialect, at: number): Steps<boolean> {
  if ((yield* first(insertRow, number, name, at, breaking ? 1 : 0)) === undefined) return false
  yield* runScript(up, dialect)
  return true
}

function* revert({ number, down }: Migration, dialect: Dialect): Steps<boolean> {
  if ((yield* first(deleteRow, number)) === undefined) return false
  yield* runScript(down, dialect)
  return true
}

function* runScript(script: string, dialect: Dialect): Steps<void> {
  for (const text of statementsOf(script, dialect)) yield* execute(new Query(() => text, false))
}

/** The statements of a migration: each ends with a semicolon at the end of a line. */
export function statementsOf(script: string, dialect: Dialect): string[] {
  const names = TOKENS[dialect.name]
  return script
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) =>
      text.replaceAll(/\{(\w+)\}/g, (token, name: string) => {
        const replacement = names[name]
        if (replacement === undefined) throw new Error(`A migration says ${token}, which stands for nothing.`)
        return replacement
      }),
    )
}

const begin = sql((d) => (d.name === 'sqlite' ? 'begin immediate' : 'begin'))
const lock = sql('select pg_advisory_xact_lock(?)')
const commit = sql('commit')
const rollback = sql('rollback')

/** Runs a part in a transaction of its own, on the one connection that the migrator has. */
function* transact<T>(dialect: Dialect, part: () => Steps<T>): Steps<T> {
  yield* execute(begin)
  try {
    // Without it, two that create the same table at once collide in the catalogue instead of waiting.
    if (dialect.name === 'postgres') yield* execute(lock, MIGRATION_LOCK)
    const result = yield* part()
    yield* execute(commit)
    return result
  } catch (error) {
    yield* undo()
    throw error
  }
}

function* undo(): Steps<void> {
  try {
    yield* execute(rollback)
  } catch {
    // The database has given the transaction up by itself, or the connection is gone: what came before says why.
  }
}
