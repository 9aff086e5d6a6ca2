import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Migration, migrateDown, migrateUp, readMigrations, statementsOf } from '../../src/store/migrate.ts'
import { migratePostgres } from '../../src/store/postgres/migrate.ts'
import { revertPostgres } from '../support/revert-postgres.ts'
import { postgresDialect, sqliteDialect } from '../../src/store/sql.ts'
import { createDatabase, type Database, runOn } from '../support/postgres.ts'
import { runOnSqlite } from './migrate-sqlite.ts'

const NEWEST = readMigrations().length
/** The number of the migration before the one of this name. */
const before = (name: string) => readMigrations().findIndex((migration) => migration.name === name)

/** What somebody started, and what was found in a folder, as noted before there were columns for it. */
const OLD_NOTES = [
  ...['run.start', 'run.stop'].map(
    (action) => `insert into audit (id, time, actor, role, action, target_type, target_id, detail)
      values ('${action}', 1, 'me', 'admin', '${action}', 'run', 'r6', '{}')`,
  ),
  `insert into watched_folder (collection_id, path, instance, seen_at, problems)
    values ('c', '/x', 'a', 1, '{"problems":[],"keeps":["j"]}')`,
]

/** A job that had seven runs, of which two are left, as the first migration has it. */
const OLD_ROWS = [
  `insert into collection (id, name, name_key, created_at) values ('c', 'c', 'c', 1)`,
  `insert into job (id, number, collection_id, kind, type, name, name_key, spec, policy, enabled, version, run_count,
    warnings, created_at, updated_at) values ('j', 1, 'c', 'k', 't', 'n', 'n', '{}', '{}', 1, 1, 7, '[]', 1, 1)`,
  ...[6, 7].map(
    (number) => `insert into run (id, job_id, collection_id, kind, number, why, detail, args, state, created_at)
      values ('r${number}', 'j', 'c', 'k', ${number}, 'manual', '{}', '[]', 'completed', 1)`,
  ),
]

describe('on SQLite', () => {
  const options = { dialect: sqliteDialect, at: 1 }

  function openDatabase(): DatabaseSync {
    const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true })
    onTestFinished(() => database.close())
    return database
  }

  const dump = (database: DatabaseSync) =>
    database.prepare('select type, name, tbl_name, sql from sqlite_schema order by type, name').all()

  test('up, down and up again give the same schema', () => {
    const database = openDatabase()
    expect(runOnSqlite(database, migrateUp(options)).done).toHaveLength(NEWEST)
    const first = dump(database)
    expect(first.length).toBeGreaterThan(20)
    expect(runOnSqlite(database, migrateDown({ ...options, to: 0 })).done).toHaveLength(NEWEST)
    expect(dump(database)).toMatchObject([{ name: 'migration' }])
    runOnSqlite(database, migrateUp(options))
    expect(dump(database)).toEqual(first)
  })

  test('jobs that are there learn how many of their runs are gone, and keep all else on the way up and down', () => {
    const database = openDatabase()
    runOnSqlite(database, migrateUp({ ...options, migrations: readMigrations().slice(0, 1) }))
    for (const text of OLD_ROWS) database.exec(text)
    runOnSqlite(database, migrateUp(options))
    expect(database.prepare('select run_count, pruned_count from job').get()).toMatchObject({ pruned_count: 5 })
    runOnSqlite(database, migrateDown({ ...options, to: 1 }))
    expect(database.prepare('select run_count from job').all()).toMatchObject([{ run_count: 7 }])
    expect(database.prepare('select id from run').all()).toHaveLength(2)
  })

  test('packages that were deployed again or gone back to are kept once, each with the one before it', () => {
    const database = openDatabase()
    runOnSqlite(database, migrateUp({ ...options, migrations: readMigrations().slice(0, 8) }))
    const rows = ['a upload', 'b upload', 'c upload', 'c upload', 'b rollback', 'd kudu', 'a rollback']
    for (const [index, row] of rows.entries()) {
      const [hash = '', source = ''] = row.split(' ')
      database
        .prepare(
          `insert into job_package (job_id, number, hash, source, deployed_by, deployed_at) values (?, ?, ?, ?, 'me', 1)`,
        )
        .run('j', index + 1, hash, source)
    }
    runOnSqlite(database, migrateUp(options))
    const kept = database.prepare('select number, hash, source, previous from job_package order by number').all()
    expect(kept).toMatchObject([
      { number: 1, hash: 'a', source: 'upload', previous: null },
      { number: 2, hash: 'b', source: 'upload', previous: 'a' },
      { number: 4, hash: 'c', source: 'upload', previous: 'b' },
      { number: 6, hash: 'd', source: 'kudu', previous: 'c' },
    ])
  })

  test('starts of runs are known by their jobs, and problems of a folder are read as a list', () => {
    const database = openDatabase()
    const to = before('starts_and_keeps')
    runOnSqlite(database, migrateUp({ ...options, migrations: readMigrations().slice(0, to) }))
    for (const text of [...OLD_ROWS, ...OLD_NOTES]) database.exec(text)
    runOnSqlite(database, migrateUp(options))
    expect(database.prepare('select id, job_id from audit order by id').all()).toMatchObject([
      { id: 'run.start', job_id: 'j' },
      { id: 'run.stop', job_id: null },
    ])
    expect(database.prepare('select problems, keeps from watched_folder').all()).toMatchObject([
      { problems: '[]', keeps: '[]' },
    ])
    runOnSqlite(database, migrateDown({ ...options, to }))
    expect(database.prepare('select id from audit').all()).toHaveLength(2)
    expect(database.prepare('select path from watched_folder').all()).toHaveLength(1)
  })

  test('a second time there is nothing to do', () => {
    const database = openDatabase()
    runOnSqlite(database, migrateUp(options))
    expect(runOnSqlite(database, migrateUp({ ...options, at: 2 }))).toEqual({ done: [], unknown: [] })
    expect(database.prepare('select min(applied_at) as at from migration').get()).toMatchObject({ at: 1 })
  })

  test('a migration that fails leaves nothing of itself', () => {
    const database = openDatabase()
    const broken = { number: 1, name: 'broken', breaking: true, up: 'create table a (x {int});\nnonsense;\n', down: '' }
    expect(() => runOnSqlite(database, migrateUp({ ...options, migrations: [broken] }))).toThrow(/syntax error/)
    expect(dump(database)).toMatchObject([{ name: 'migration' }])
    expect(database.prepare('select count(*) as n from migration').get()).toMatchObject({ n: 0 })
  })

  test('a database of a newer program is refused when it changed more than this one can live with', () => {
    const database = openDatabase()
    const newer = (number: number, name: string, breaking: boolean): Migration => ({
      number,
      name,
      breaking,
      up: `create table ${name} (x {int});\n`,
      down: `drop table ${name};\n`,
    })
    const migrations = [...readMigrations(), newer(NEWEST + 1, 'harmless', false)]
    runOnSqlite(database, migrateUp({ ...options, migrations }))
    expect(runOnSqlite(database, migrateUp(options))).toEqual({ done: [], unknown: [NEWEST + 1] })
    runOnSqlite(database, migrateUp({ ...options, migrations: [...migrations, newer(NEWEST + 2, 'harsh', true)] }))
    const refused = expect.objectContaining({
      code: 'store-newer',
      exit: 57,
      message: expect.stringMatching(new RegExp(`migration ${NEWEST + 2} \\(harsh\\).*up to ${NEWEST} `)),
    })
    expect(() => runOnSqlite(database, migrateUp(options))).toThrow(refused)
    expect(() => runOnSqlite(database, migrateDown({ ...options, to: 0 }))).toThrow(refused)
  })

  test('two programs that migrate at once apply everything once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jobyard-migrate-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'test.db')
    const program = fileURLToPath(new URL('./migrate-sqlite.ts', import.meta.url))
    const programs = [1, 2].map(() => fork(program, [path], { execArgv: [] }))
    await Promise.all(programs.map((each) => once(each, 'message')))
    const reports = programs.map(async (each) => {
      const [report] = await once(each, 'message')
      await once(each, 'exit')
      return report.done as number[]
    })
    for (const each of programs) each.send('go')
    expect((await Promise.all(reports)).flat()).toHaveLength(NEWEST)
  })
})

describe('on PostgreSQL', () => {
  let database: Database

  beforeAll(async () => {
    database = await createDatabase()
  })

  afterAll(() => database.drop())

  /** Everything in our schema that a program could notice. */
  async function dump(url: string): Promise<unknown> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const texts = [
      `select table_name, column_name, data_type, collation_name, column_default, is_nullable
        from information_schema.columns where table_schema = 'jobyard' order by table_name, ordinal_position`,
      `select tablename, indexname, indexdef from pg_indexes where schemaname = 'jobyard' order by indexname`,
      `select conrelid::regclass::text as name, conname, pg_get_constraintdef(oid) as def from pg_constraint
        where connamespace = 'jobyard'::regnamespace order by 1, 2`,
    ]
    const parts: unknown[] = []
    for (const text of texts) parts.push((await client.query(text)).rows)
    await client.end()
    return parts
  }

  test('two programs that migrate at once apply everything once', async () => {
    const reports = await Promise.all([1, 2, 3].map((at) => migratePostgres({ url: database.url, at })))
    expect(reports.flatMap(({ done }) => done)).toHaveLength(NEWEST)
  })

  test('up, down and up again give the same schema', async () => {
    const { url } = database
    await migratePostgres({ url, at: 1 })
    const first = await dump(url)
    expect((await revertPostgres(url, 0)).done).toHaveLength(NEWEST)
    expect(await dump(url)).not.toEqual(first)
    await migratePostgres({ url, at: 3 })
    expect(await dump(url)).toEqual(first)
  })

  test('jobs that are there learn how many of their runs are gone', async () => {
    const { url } = database
    await migratePostgres({ url, at: 1 })
    await revertPostgres(url, 1)
    for (const text of OLD_ROWS) await runOn(url, `set search_path = jobyard; ${text}`)
    await migratePostgres({ url, at: 3 })
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    onTestFinished(() => client.end())
    const { rows } = await client.query('select run_count - pruned_count as n from jobyard.job')
    expect(rows.map(({ n }) => Number(n))).toEqual([2])
    await runOn(url, 'delete from jobyard.run; delete from jobyard.job; delete from jobyard.collection')
  })

  test('starts of runs are known by their jobs, and problems of a folder are read as a list', async () => {
    const { url } = database
    const to = before('starts_and_keeps')
    await migratePostgres({ url, at: 1 })
    await revertPostgres(url, to)
    for (const text of [...OLD_ROWS, ...OLD_NOTES]) await runOn(url, `set search_path = jobyard; ${text}`)
    await migratePostgres({ url, at: 3 })
    const client = new pg.Client({ connectionString: url, options: '-c search_path=jobyard' })
    await client.connect()
    onTestFinished(() => client.end())
    const { rows } = await client.query('select id, job_id from audit order by id')
    expect(rows).toEqual([
      { id: 'run.start', job_id: 'j' },
      { id: 'run.stop', job_id: null },
    ])
    expect((await client.query('select problems, keeps from watched_folder')).rows).toEqual([
      { problems: '[]', keeps: '[]' },
    ])
    await revertPostgres(url, to)
    expect((await client.query('select id from audit')).rows).toHaveLength(2)
    await migratePostgres({ url, at: 4 })
    await runOn(url, 'delete from jobyard.audit; delete from jobyard.run; delete from jobyard.job')
    await runOn(url, 'delete from jobyard.collection')
  })

  test('ids are compared by bytes, whatever the order of the database is', async () => {
    await migratePostgres({ url: database.url, at: 1 })
    const [columns] = (await dump(database.url)) as [{ column_name: string; collation_name: string | null }[]]
    const ids = columns.filter(({ column_name }) => /^(id|owner|(job|run|collection)_id)$/.test(column_name))
    expect(ids.length).toBeGreaterThan(20)
    expect(new Set(ids.map(({ collation_name }) => collation_name))).toEqual(new Set(['C']))
  })

  test('a database of a newer program is refused', async () => {
    const { url } = database
    await migratePostgres({ url, at: 1 })
    await runOn(url, `insert into jobyard.migration values (${NEWEST + 1}, 'next', 1, 1)`)
    await expect(migratePostgres({ url, at: 2 })).rejects.toMatchObject({ code: 'store-newer', exit: 57 })
    await runOn(url, `delete from jobyard.migration where number = ${NEWEST + 1}`)
  })
})

describe("a migration's text", () => {
  test("is cut at semicolons that end a line, without comments, with each database's own names", () => {
    const script =
      "-- why; and how\ncreate table a (\n  x {id}, -- odd; comment\n  y {int}\n){keyed};\ninsert into a values ('b;c', 1);\n"
    expect(statementsOf(script, postgresDialect)).toEqual([
      'create table a (\n  x text collate "C", -- odd; comment\n  y bigint\n)',
      "insert into a values ('b;c', 1)",
    ])
    expect(statementsOf('x {keyed};', sqliteDialect)).toEqual(['x  without rowid'])
  })

  test('that names an unknown token is refused', () => {
    expect(() => statementsOf('create table a (x {float});', sqliteDialect)).toThrow(/\{float\}/)
  })
})
