import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { numberParameters, type Row, type Value } from '../../src/store/sql.ts'
import type { Place } from './stack.ts'

/** A way past the store to the rows of its database. */
export interface OpenDatabase {
  /** Runs a statement; parameters are `?`. */
  ask(text: string, ...params: Value[]): Promise<Row[]>
  /** Writes rows of one shape, their members being the columns. */
  addRows(table: string, rows: readonly Row[]): Promise<void>
  close(): Promise<void>
}

/** Opens the database of a place. */
export async function askDatabase({ url, folder }: Pick<Place, 'url' | 'folder'>): Promise<OpenDatabase> {
  const direct = url === undefined ? askSqlite(join(folder, 'jobyard.db')) : await askPostgres(url)
  return {
    ...direct,
    async addRows(table, rows) {
      const columns = Object.keys(rows[0] ?? {})
      for (let from = 0; from < rows.length; from += 500) {
        const some = rows.slice(from, from + 500)
        const places = some.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ')
        const values = some.flatMap((row) => columns.map((column) => row[column] ?? null))
        await direct.ask(`insert into ${table} (${columns.join(', ')}) values ${places}`, ...values)
      }
    },
  }
}

type Direct = Omit<OpenDatabase, 'addRows'>

function askSqlite(path: string): Direct {
  const database = new DatabaseSync(path, { timeout: 5000 })
  return {
    ask: async (text, ...params) => database.prepare(text).all(...params) as Row[],
    close: async () => database.close(),
  }
}

async function askPostgres(url: string): Promise<Direct> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=jobyard' })
  client.setTypeParser(20, Number)
  await client.connect()
  return {
    ask: async (text, ...params) => (await client.query(numberParameters(text), params)).rows as Row[],
    close: () => client.end(),
  }
}
