import { Logger, runMigrations } from 'graphile-worker'
import pg from 'pg'
import { type MigrateReport, migrateUp } from '../migrate.ts'
import { postgresDialect, type Steps } from '../sql.ts'
import { connectionConfig } from './connection.ts'
import { explain } from './errors.ts'
import { Session } from './session.ts'

/** How long one statement of a migration may take: building an index on a long history takes its time. */
const STATEMENT_TIMEOUT = 3_600_000

/**
 * Brings the database up to date: our schema `jobyard`, and Graphile Worker's own. Several may do so at once. Throws
 * `store-newer` when a newer program has changed the schema, `store-unavailable` when the database cannot be reached.
 */
export async function migratePostgres(options: { readonly url: string; readonly at: number }): Promise<MigrateReport> {
  const report = await runOnce(options.url, migrateUp({ dialect: postgresDialect, at: options.at }))
  const logger = new Logger(() => () => undefined)
  await runMigrations({ connectionString: options.url, schema: 'graphile_worker', noHandleSignals: true, logger })
  return report
}

/** Runs steps on a connection of their own. */
async function runOnce<T>(url: string, steps: Steps<T>): Promise<T> {
  const config = connectionConfig({ url, applicationName: 'jobyard-migrate', statementTimeoutMs: STATEMENT_TIMEOUT })
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    throw explain(error)
  }
  try {
    return await new Session(client).run(steps)
  } finally {
    await client.end()
  }
}
