import type { Scope } from '../../src/store/contract.ts'
import type { PostgresOptions } from '../../src/store/postgres/store.ts'
import { all, execute, first, type Steps, sql, type Value } from '../../src/store/sql.ts'
import { openPostgresStore } from '../support/postgres-store.ts'

const insert = sql('insert into item (id, n) values (?, ?)')
const add = sql('update item set n = n + ? where id = ? returning n')
const xid = sql('select pg_current_xact_id()::text as xid')
const total = sql('select count(*) as items, coalesce(sum(n), 0) as total from item')
const measure = sql('select length(cast(? as bytea))')
const pause = sql('select pg_sleep(?)')

/** Adds a row; answers which transaction did it. */
function* addItem({ id }: { id: string }, _scope: Scope): Steps<string> {
  yield* execute(insert, id, 0)
  return (yield* first<{ xid: string }>(xid))?.xid ?? ''
}

/** Adds a row and then fails. */
function* addAndFail({ id }: { id: string }, _scope: Scope): Steps<void> {
  yield* execute(insert, id, 0)
  throw new TypeError(`no ${id}`)
}

/** Changes rows one after the other, with a pause after each, so that two of these can meet crosswise. */
function* bump({ ids, seconds }: { ids: readonly string[]; seconds: number }, _scope: Scope): Steps<void> {
  for (const id of ids) {
    yield* execute(add, 1, id)
    yield* execute(pause, seconds)
  }
}

/** Goes on after a failed statement as if nothing had happened. */
function* swallow({ id }: { id: string }, _scope: Scope): Steps<void> {
  yield* execute(insert, id, 0)
  try {
    yield* execute(insert, id, 0)
  } catch {
    // That is the mistake.
  }
}

/** Adds two rows, and has the whole program stand still after the first, or after both, as often as it is told to. */
function* stall({
  id,
  when,
  times,
}: {
  id: string
  when: 'within' | 'at the end'
  times: { left: number }
}): Steps<void> {
  yield* execute(insert, id, 0)
  if (when === 'within') standStill(times)
  yield* execute(insert, `${id}2`, 0)
  if (when === 'at the end') standStill(times)
}

function standStill(times: { left: number }): void {
  if (times.left-- > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900)
}

/** Adds a row after it was shown a large value. */
function* addLarge({ id, body, begun }: { id: string; body: Uint8Array; begun: string[] }): Steps<void> {
  begun.push(id)
  yield* execute(insert, id, 0)
  yield* execute(measure, body)
}

function* sleep({ seconds }: { seconds: number }, _scope: Scope): Steps<void> {
  yield* execute(pause, seconds)
}

function* count(_input: object, _scope: Scope): Steps<{ items: number; total: number }> {
  return (yield* first<{ items: number; total: number }>(total)) ?? { items: -1, total: -1 }
}

/** Runs any query; for looking at how values come and go. */
function* ask({ text, params }: { text: string; params: Value[] }, _scope: Scope): Steps<unknown> {
  return (yield* all(sql(text), ...params)) as unknown
}

const writes = { addItem, addAndFail, addLarge, bump, stall, swallow, sleep }
const reads = { count, ask, sleep }

/** The table that these tests work on; in the schema of the repository, which need not be there otherwise. */
export const FIXTURE_SCHEMA =
  'create schema jobyard; create table jobyard.item (id text primary key, n bigint not null)'

/** A store with procedures made for these tests. */
export function createTestStore(options: Partial<PostgresOptions<typeof writes, typeof reads>> & { url: string }) {
  return openPostgresStore({ writes, reads, ...options })
}
