/** A value that goes into or comes out of a statement. Instants are epoch milliseconds, flags are 0 and 1. */
export type Value = string | number | null | Uint8Array

/** The ways in which the two databases' SQL differs; everything else is the same text for both. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** A FROM item over one parameter, a JSON array of objects: its rows, with these columns. For short lists. */
  rows(columns: Columns): string
  /** A subquery, or a FROM item, over one parameter of {@link idList}: the column `id`. */
  readonly ids: string
  /** Locks the selected rows until the transaction ends; nothing on SQLite, which has one writer. */
  readonly forUpdate: string
  /** As {@link forUpdate}, but fails at once, for the writer to begin anew, where another transaction has a row. */
  readonly forUpdateNow: string
  /** Keeps others from {@link forUpdate} on the selected rows, though not from changing them; nothing on SQLite. */
  readonly forKeyShare: string
  /** As {@link forUpdate}, passing over rows that another transaction has locked. */
  readonly skipLocked: string
}

/** The columns of a set of rows that is given to a statement. */
export type Columns = Readonly<Record<string, 'text' | 'int'>>

/** SQLite reads a JSON parameter with json_each. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  rows(columns) {
    const fields = Object.keys(columns).map((name) => `value->>'$.${name}' as "${name}"`)
    return `(select ${fields.join(', ')} from json_each(?))`
  },
  ids: '(select value as id from json_each(?))',
  forUpdate: '',
  forUpdateNow: '',
  forKeyShare: '',
  skipLocked: '',
}

/** PostgreSQL reads a JSON parameter with jsonb_to_recordset. */
export const postgresDialect: Dialect = {
  name: 'postgres',
  rows(columns) {
    const fields = Object.entries(columns).map(([name, type]) => `"${name}" ${type === 'int' ? 'bigint' : 'text'}`)
    return `(select * from jsonb_to_recordset(?::jsonb) as rows_(${fields.join(', ')}))`
  },
  ids: '(select jsonb_array_elements_text(?::jsonb) as id)',
  forUpdate: ' for update',
  forUpdateNow: ' for update nowait',
  forKeyShare: ' for key share',
  skipLocked: ' for update skip locked',
}

/** A statement's text, made once per dialect. Parameters are `?`, numbered from left to right on PostgreSQL. */
export class Query {
  /** True when the statement is worth keeping prepared; false for one that was composed for a single use. */
  readonly lasting: boolean
  readonly #build: (dialect: Dialect) => string
  #sqlite: string | undefined
  #returns: boolean | undefined
  #postgres: string | undefined

  constructor(build: (dialect: Dialect) => string, lasting = true) {
    this.#build = build
    this.lasting = lasting
  }

  /** Whether it gives rows back. */
  get returns(): boolean {
    this.#returns ??= / returning |^\s*(select|with)\b/i.test(this.#build(sqliteDialect))
    return this.#returns
  }

  /** The text for a dialect. */
  text(dialect: Dialect): string {
    if (dialect.name === 'sqlite') {
      this.#sqlite ??= this.#build(dialect)
      return this.#sqlite
    }
    this.#postgres ??= numberParameters(this.#build(dialect))
    return this.#postgres
  }
}

/** PostgreSQL names its parameters $1, $2 …; no statement of ours has a question mark in a literal. */
export function numberParameters(text: string): string {
  let count = 0
  return text.replaceAll('?', () => `$${++count}`)
}

/** A statement that is written once and used often. */
export function sql(text: string | ((dialect: Dialect) => string)): Query {
  return new Query(typeof text === 'string' ? () => text : text)
}

/** A query with its parameters, as a procedure yields it to the driver. */
export interface Statement {
  readonly query: Query
  readonly params: readonly Value[]
  /**
   * The rows of a set statement. PostgreSQL gets them as one JSON parameter, because a round trip costs more than the
   * parsing; SQLite runs the statement once per row, because its JSON costs more than the calls: 4 to 6 µs instead of
   * 14 for an update of 23 columns.
   */
  readonly set?: SetRows
}

/** The rows that a set statement is run for. */
export interface SetRows {
  readonly columns: readonly string[]
  readonly rows: readonly object[]
  /** True: SQLite gives back those that changed the database, as they were given, instead of what the text returns. */
  readonly fresh: boolean
}

/** A row as the driver gives it. */
export type Row = Readonly<Record<string, Value>>

/**
 * A procedure: it yields statements and receives their rows. The same one is run in a single breath by SQLite's
 * writer thread and with awaits by PostgreSQL's driver, in one transaction on either.
 */
export type Steps<T> = Generator<Statement, T, readonly Row[]>

/** A statement over a set of rows. */
export interface SetQuery {
  readonly query: Query
  /** The members of a row that are its parameters, in their order. */
  readonly columns: readonly string[]
  /** As in {@link SetRows}. Default false. */
  readonly fresh?: boolean
}

/** A column's name for a member's: `planClosed` is kept in `plan_closed`. */
function columnOf(member: string): string {
  return member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/**
 * Updates a row of `table` per row of the set, found by `keys`, in the columns that the other members name: `columns` get
 * the members' values, and to `sums` they are added.
 */
export function updateEach(table: string, keys: Columns, columns: Columns, sums: Columns = {}): SetQuery {
  const set = (value: (member: string) => string) => [
    ...Object.keys(columns).map((member) => `${columnOf(member)} = ${value(member)}`),
    ...Object.keys(sums).map((member) => `${columnOf(member)} = ${table}.${columnOf(member)} + ${value(member)}`),
  ]
  const found = (value: (member: string) => string) =>
    Object.keys(keys).map((member) => `${table}.${columnOf(member)} = ${value(member)}`)
  const query = new Query((dialect) => {
    const value = dialect.name === 'sqlite' ? () => '?' : (member: string) => `v."${member}"`
    const from = dialect.name === 'sqlite' ? '' : ` from ${dialect.rows({ ...columns, ...sums, ...keys })} as v`
    return `update ${table} set ${set(value).join(', ')}${from} where ${found(value).join(' and ')}`
  })
  return { query, columns: [...Object.keys(columns), ...Object.keys(sums), ...Object.keys(keys)] }
}

/** Inserts a row into `table` per row of the set. `rest` may say what happens on a conflict and what is returned. */
export function insertEach(table: string, columns: Columns, rest = ''): SetQuery {
  return { query: new Query(insertText(table, columns, rest)), columns: Object.keys(columns) }
}

function insertText(table: string, columns: Columns, rest: string): (dialect: Dialect) => string {
  const members = Object.keys(columns)
  return (dialect) => {
    const into = `insert into ${table} (${members.map(columnOf).join(', ')})`
    if (dialect.name === 'sqlite') return `${into} values (${members.map(() => '?').join(', ')}) ${rest}`
    return `${into} select ${members.map((member) => `v."${member}"`).join(', ')} from ${dialect.rows(columns)} as v ${rest}`
  }
}

/**
 * As {@link insertEach}, for rows that may be there already by the unique `keys`: gives back the new ones, of which
 * PostgreSQL tells the members `given`. SQLite is asked how many rows have changed, a fifth cheaper than `returning`.
 */
export function insertMissing(
  table: string,
  columns: Columns,
  keys: readonly string[],
  given: readonly string[],
): SetQuery {
  const skip = `on conflict (${keys.map(columnOf).join(', ')}) do nothing`
  const returning = `returning ${given.map((member) => `${columnOf(member)} as "${member}"`).join(', ')}`
  const query = new Query((dialect) =>
    insertText(table, columns, dialect.name === 'sqlite' ? skip : `${skip} ${returning}`)(dialect),
  )
  return { query, columns: Object.keys(columns), fresh: true }
}

/** Runs a set statement for all rows, whose members include its columns, and gives what it returns. */
export function* forEachRow<R>(
  { query, columns, fresh = false }: SetQuery,
  rows: readonly object[],
): Steps<readonly R[]> {
  if (rows.length === 0) return []
  return (yield { query, params: [], set: { columns, rows, fresh } }) as readonly R[]
}

/** All rows of a query. The caller names their shape, which the query's text must give. */
export function* all<R>(query: Query, ...params: readonly Value[]): Steps<readonly R[]> {
  return (yield { query, params }) as readonly R[]
}

/** The first row of a query, or undefined. */
export function* first<R>(query: Query, ...params: readonly Value[]): Steps<R | undefined> {
  return ((yield { query, params }) as readonly R[])[0]
}

/** Runs a query for what it does. */
export function* execute(query: Query, ...params: readonly Value[]): Steps<void> {
  yield { query, params }
}

/** Ids, each once, as the parameter of {@link Dialect.ids}. */
export function idList(ids: Iterable<string>): string {
  return JSON.stringify([...new Set(ids)])
}
