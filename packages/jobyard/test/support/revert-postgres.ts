import pg from 'pg'
import { type MigrateReport, migrateDown } from '../../src/store/migrate.ts'
import { connectionConfig } from '../../src/store/postgres/connection.ts'
import { Session } from '../../src/store/postgres/session.ts'
import { postgresDialect } from '../../src/store/sql.ts'

/** Takes our migrations of a database back until `to` is the newest; Graphile Worker's schema stays. */
export async function revertPostgres(url: string, to: number): Promise<MigrateReport> {
  const client = new pg.Client(connectionConfig({ url }))
  await client.connect()
  try {
    return await new Session(client).run(migrateDown({ dialect: postgresDialect, at: 2, to }))
  } finally {
    await client.end()
  }
}
