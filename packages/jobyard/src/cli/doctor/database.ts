import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../domain/clock.ts'
import { messageOf } from '../../domain/error-message.ts'
import { readMigrations } from '../../store/migrate.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** The database: reachable, and its schema one that this program can work on. */
export const databaseCheck: Check = {
  name: 'database',
  async run({ config, terminal }) {
    if (config.databaseUrl !== null) return await postgresFindings(config.databaseUrl, terminal.clock)
    const path = join(config.dataFolder, 'jobyard.db')
    if (!existsSync(path)) return [ok('SQLite; the first start makes it.')]
    return sqliteFindings(path)
  },
}

function sqliteFindings(path: string): Finding[] {
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    try {
      const row = database.prepare('select max(number) as number from migration').get()
      return [ok(`SQLite, ${path}.`), schemaFinding(Number(row?.number ?? 0))]
    } finally {
      database.close()
    }
  } catch (error) {
    const why = messageOf(error)
    return [fail(`${path} cannot be read: ${why}.`, 'See who owns the file, or restore a backup.')]
  }
}

function schemaFinding(number: number): Finding {
  const newest = readMigrations().at(-1)?.number ?? 0
  if (number === newest) return ok(`Its schema is up to date (migration ${number}).`)
  if (number < newest) return ok(`Its schema is at migration ${number}; the next start brings it to ${newest}.`)
  const what = `Its schema is at migration ${number}, and this program knows ${newest}.`
  return warn(what, 'Start the version of Jobyard that last used it.')
}

const CONNECT_MS = 5000
const NOTICE_MS = 3000
/** Between instances, clocks that differ by more make leases uncertain. */
const CLOCK_DIFFERENCE_MS = 1000

async function postgresFindings(url: string, clock: Clock): Promise<Finding[]> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    const why = messageOf(error)
    return [fail(`PostgreSQL cannot be reached: ${why}.`, 'See JOBYARD_DATABASE_URL, and that the database runs.')]
  }
  try {
    return [
      await versionFinding(client),
      await migrationFinding(client),
      await clockFinding(client, clock),
      await noticeFinding(client, clock),
    ]
  } finally {
    await client.end()
  }
}

type Client = import('pg').Client

/** The oldest that Graphile Worker works on. */
const OLDEST = 120_000

async function versionFinding(client: Client): Promise<Finding> {
  const { rows } = await client.query<{ text: string; number: number }>(
    `select current_setting('server_version') as text, current_setting('server_version_num')::int as number`,
  )
  const [version] = rows
  const words = `PostgreSQL ${version?.text ?? 'of an unknown version'}.`
  return (version?.number ?? 0) >= OLDEST ? ok(words) : fail(words, 'PostgreSQL 12 or newer is needed.')
}

async function migrationFinding(client: Client): Promise<Finding> {
  const { rows: tables } = await client.query<{ there: boolean }>(
    `select to_regclass('jobyard.migration') is not null as there`,
  )
  if (tables[0]?.there !== true) return ok('It holds nothing of Jobyard yet; the first start makes the schema.')
  const { rows } = await client.query<{ number: string | null }>('select max(number) as number from jobyard.migration')
  return schemaFinding(Number(rows[0]?.number ?? 0))
}

async function clockFinding(client: Client, clock: Clock): Promise<Finding> {
  const before = clock.now()
  const { rows } = await client.query<{ now: string }>('select extract(epoch from clock_timestamp()) * 1000 as now')
  const here = (before + clock.now()) / 2
  const difference = Math.round(Math.abs(Number(rows[0]?.now ?? here) - here))
  return difference <= CLOCK_DIFFERENCE_MS
    ? ok('Its clock and the one of this machine agree.')
    : warn(`Its clock and the one of this machine differ by ${difference} ms.`, 'Keep both right by NTP.')
}

/** A pooler that gives every transaction another connection (PgBouncer) swallows LISTEN. */
async function noticeFinding(client: Client, clock: Clock): Promise<Finding> {
  const heard = Promise.withResolvers<boolean>()
  client.on('notification', () => heard.resolve(true))
  const timer = clock.after(NOTICE_MS, () => heard.resolve(false))
  await client.query('listen jobyard_doctor')
  await client.query('notify jobyard_doctor')
  const came = await heard.promise
  timer.cancel()
  return came
    ? ok('Notifications come through (LISTEN).')
    : fail(
        'Notifications do not come through (LISTEN).',
        'Connect to PostgreSQL itself, or set the pooler to session mode (PgBouncer: pool_mode=session).',
      )
}
