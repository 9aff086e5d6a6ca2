import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { type Dialect, Query, type Steps, type Value } from '../sql.ts'

/** The tables that pages are composed over, as far as filters and order need them. */
export interface Tables {
  readonly job: {
    id: string
    number: number
    collection_id: string
    kind: string
    type: string
    name: string
    name_key: string
    enabled: number
    deleted_at: number | null
  }
  readonly audit: {
    id: string
    time: number
    actor: string
    action: string
    target_type: string
    target_id: string | null
    collection_id: string | null
  }
}

// Kysely only writes the text here; the statements go to the database by the same way as all others.
const sqlite = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})
const postgres = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** The query builder for a dialect. */
export function compose(dialect: Dialect): Kysely<Tables> {
  return dialect.name === 'sqlite' ? sqlite : postgres
}

/**
 * The rows of a composed query that selects just `id`, with these columns instead: select lists are shared with the
 * fixed statements. The caller names the rows' shape, which the columns must give.
 */
export function* rowsOf<R>({ sql, parameters }: CompiledQuery, columns: string): Steps<readonly R[]> {
  const text = sql.replace('select "id" from', `select ${columns} from`)
  return (yield { query: new Query(() => text, false), params: parameters as readonly Value[] }) as readonly R[]
}
