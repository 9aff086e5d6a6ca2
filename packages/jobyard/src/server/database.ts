import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Dispatcher } from '../dispatch/contract.ts'
import { createLocalDispatcher } from '../dispatch/local.ts'
import type { Clock } from '../domain/clock.ts'
import type { Ids } from '../domain/ids.ts'
import type { Events } from '../engine/events.ts'
import { migrateUp } from '../store/migrate.ts'
import type { OutputStore } from '../store/output/contract.ts'
import { createOutputStore } from '../store/output/store.ts'
import type { Repository } from '../store/procedures/index.ts'
import { ATTEMPTS_CHANNEL } from '../store/procedures/resolve-tasks.ts'
import { SETTINGS_CHANNEL } from '../store/procedures/settings.ts'
import { sqliteDialect } from '../store/sql.ts'
import { SqliteDatabase } from '../store/sqlite/database.ts'
import { createSqliteStore } from '../store/sqlite/store.ts'
import type { Shutdown } from './shutdown.ts'

/** What the databases are opened with. */
export interface DatabaseParts {
  readonly config: Config
  readonly clock: Clock
  readonly ids: Ids
  readonly random: () => number
  readonly events: Events
  readonly onFatal: (error: Error) => void
}

/** The repository, the output, and the dispatch that goes with them. */
export interface Database {
  readonly store: Repository
  readonly output: OutputStore
  readonly dispatcher: Dispatcher
  /** True where no other instance can share the database. */
  readonly alone: boolean
  /** Has other instances' words heard; where nobody tells, what they are about is looked for. */
  listen(hear: Hearers): Promise<void>
}

/** Who is told of what other instances have done. */
export interface Hearers {
  /** App settings may have been changed. */
  settings(): void
  /** A run may have got other attempts. */
  attempts(runId: string): void
}

/** Opens the database that the settings name, with its schema up to date. */
export function openDatabase(parts: DatabaseParts, shutdown: Shutdown): Promise<Database> {
  const { databaseUrl } = parts.config
  return databaseUrl === null ? openSqlite(parts, shutdown) : openPostgres(parts, databaseUrl, shutdown)
}

async function openSqlite(parts: DatabaseParts, shutdown: Shutdown): Promise<Database> {
  const { config, clock, random, events, onFatal } = parts
  const path = join(config.dataFolder, 'jobyard.db')
  const database = new SqliteDatabase(path, { readOnly: false })
  database.run(migrateUp({ dialect: sqliteDialect, at: clock.now() }))
  database.close()
  const output = await createOutputStore({
    database: { kind: 'sqlite', path: join(config.dataFolder, 'output.db') },
    onFatal,
  })
  shutdown.add('output', () => output.stop())
  const store: Repository = createSqliteStore({ path, onFatal, slot: config.slot, instance: config.instance })
  shutdown.add('database', () => store.stop())
  const onError = (error: unknown) => events.emit({ type: 'error', where: 'dispatch', error })
  return {
    store,
    output,
    dispatcher: createLocalDispatcher({ clock, random, onError }),
    alone: true,
    listen: async () => undefined,
  }
}

async function openPostgres(parts: DatabaseParts, url: string, shutdown: Shutdown): Promise<Database> {
  const { config, clock, ids, random, events, onFatal } = parts
  // Loaded only here: a server on SQLite has no use for any of it.
  const { createGraphileDispatcher } = await import('../dispatch/graphile.ts')
  const { migratePostgres } = await import('../store/postgres/migrate.ts')
  const { idleLimit } = await import('../store/postgres/connection.ts')
  const { createPostgresNotifier } = await import('../store/postgres/notifier.ts')
  const { createPostgresStore } = await import('../store/postgres/store.ts')
  const { reads, writes } = await import('../store/procedures/index.ts')
  await migratePostgres({ url, at: clock.now() })
  const trouble = (where: string) => (error: unknown) => events.emit({ type: 'error', where, error })
  const output = await createOutputStore({ database: { kind: 'postgres', url }, onFatal })
  shutdown.add('output', () => output.stop())
  const store: Repository = await createPostgresStore({
    url,
    writes,
    reads,
    clock,
    ids,
    random,
    slot: config.slot,
    instance: config.instance,
    idleTransactionMs: idleLimit(config.leaseMs),
    onTrouble: trouble('database'),
  })
  shutdown.add('database', () => store.stop())
  const notifier = await createPostgresNotifier({ url, clock, random, onTrouble: trouble('notifications') })
  shutdown.add('notifications', () => notifier.stop())
  const onError = trouble('dispatch')
  const dispatcher = createGraphileDispatcher({ url, name: config.instance, notifier, clock, random, onError })
  const listen = async (hear: Hearers) => {
    notifier.onGap(() => hear.settings())
    await notifier.on(SETTINGS_CHANNEL, () => hear.settings())
    await notifier.on(ATTEMPTS_CHANNEL, (runId) => hear.attempts(runId))
  }
  return { store, output, dispatcher, alone: false, listen }
}
