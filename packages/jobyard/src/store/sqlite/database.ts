import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { JobyardError } from '../../domain/errors.ts'
import { type Query, type Row, type Statement, type Steps, sqliteDialect, type Value } from '../sql.ts'

/** Pages that the write-ahead log may grow to before it is copied back: 16 MB at 4 KB a page. */
const CHECKPOINT_PAGES = 4000

/** Pages that a connection keeps to itself, in KB. What is not among them comes from the system's cache, in microseconds. */
const WRITER_CACHE_KB = 16_384
const READER_CACHE_KB = 4096

/** SQLite's result codes that say that the disk, not the statement, is at fault. */
const DISK_CODES = new Set([10, 13])

/** A connection to the embedded database, which runs procedures in a single breath. */
export class SqliteDatabase {
  readonly #db: DatabaseSync
  readonly #statements = new Map<Query, StatementSync>()

  constructor(path: string, options: { readonly readOnly: boolean }) {
    this.#db = new DatabaseSync(path, { readOnly: options.readOnly, timeout: 5000, enableForeignKeyConstraints: true })
    this.#db.exec(`pragma cache_size = -${options.readOnly ? READER_CACHE_KB : WRITER_CACHE_KB}`)
    if (options.readOnly) return
    this.#db.exec('pragma journal_mode = wal')
    // FULL: what was acknowledged survives a power cut. Group commit pays for it.
    this.#db.exec(`pragma synchronous = full; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  }

  /** Runs plain statements, such as those of a transaction's frame. */
  exec(text: string): void {
    try {
      this.#db.exec(text)
    } catch (error) {
      throw explain(error)
    }
  }

  /** True between BEGIN and its end; false again when SQLite itself gave the transaction up. */
  get inTransaction(): boolean {
    return this.#db.isTransaction
  }

  /** Drives a procedure to its end. */
  run<T>(steps: Steps<T>): T {
    let step = steps.next()
    while (!step.done) {
      let rows: readonly Row[]
      try {
        rows = this.#execute(step.value)
      } catch (error) {
        step = steps.throw(explain(error))
        continue
      }
      step = steps.next(rows)
    }
    return step.value
  }

  close(): void {
    this.#db.close()
  }

  #execute({ query, params, set }: Statement): readonly Row[] {
    const statement = this.#prepare(query)
    // The driver's rows are objects without a prototype whose values are SQLite's; our columns hold no big integers.
    if (set === undefined) return statement.all(...params) as readonly Row[]
    const { columns, rows, fresh } = set
    const found: Row[] = []
    // One list for all rows: what is made anew for each of thousands is what the thread spends its time to collect.
    const values: Value[] = []
    for (const row of rows as readonly Row[]) {
      for (let index = 0; index < columns.length; index++) values[index] = row[columns[index] ?? ''] ?? null
      if (fresh) {
        if (statement.run(...values).changes === 1) found.push(row)
      } else if (query.returns) found.push(...(statement.all(...values) as Row[]))
      else statement.run(...values)
    }
    return found
  }

  #prepare(query: Query): StatementSync {
    let statement = this.#statements.get(query)
    if (statement === undefined) {
      statement = this.#db.prepare(query.text(sqliteDialect))
      if (query.lasting) this.#statements.set(query, statement)
    }
    return statement
  }
}

/** Turns what SQLite says of a full or broken disk into an error of the catalogue. */
function explain(error: unknown): unknown {
  const code = (error as { errcode?: number }).errcode
  if (code === undefined || !DISK_CODES.has(code & 0xff)) return error
  return new JobyardError('store-full', `The database cannot be written: ${(error as Error).message}.`, {
    cause: error,
  })
}
