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
  readonly #statements = new Map<Query, Prepared>()

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
    if (set === undefined) return statement.rows(params)
    const { columns, rows, fresh } = set
    const found: Row[] = []
    // One list for all rows: what is made anew for each of thousands is what the thread spends its time to collect.
    const values: Value[] = []
    for (const row of rows as readonly Row[]) {
      for (let index = 0; index < columns.length; index++) values[index] = row[columns[index] ?? ''] ?? null
      if (fresh) {
        if (statement.run(values) === 1) found.push(row)
      } else if (query.returns) found.push(...statement.rows(values))
      else statement.run(values)
    }
    return found
  }

  #prepare(query: Query): Prepared {
    let statement = this.#statements.get(query)
    if (statement === undefined) {
      statement = new Prepared(this.#db.prepare(query.text(sqliteDialect)))
      if (query.lasting) this.#statements.set(query, statement)
    }
    return statement
  }
}

/** A statement whose rows are plain objects: the driver's own have a dictionary each, at twice the time. */
class Prepared {
  readonly #statement: StatementSync
  /** The columns, once there was a row. */
  #names: readonly string[] = []
  #blank: Record<string, Value> = {}

  constructor(statement: StatementSync) {
    this.#statement = statement
    statement.setReturnArrays(true)
  }

  rows(params: readonly Value[]): Row[] {
    // The driver's values are SQLite's; our columns hold no big integers.
    const found = this.#statement.all(...params) as unknown as readonly (readonly Value[])[]
    if (found.length === 0) return []
    if (this.#names.length === 0) {
      this.#names = this.#statement.columns().map(({ name }) => name)
      this.#blank = Object.fromEntries(this.#names.map((name) => [name, null]))
    }
    return found.map((values) => this.#toRow(values))
  }

  /** How many rows it has changed. */
  run(params: readonly Value[]): number {
    return Number(this.#statement.run(...params).changes)
  }

  #toRow(values: readonly Value[]): Row {
    const row = { ...this.#blank }
    for (let index = 0; index < values.length; index++) row[this.#names[index] ?? ''] = values[index] ?? null
    return row
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
