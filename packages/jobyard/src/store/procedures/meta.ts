import type { Scope } from '../contract.ts'
import { execute, first, type Steps, sql } from '../sql.ts'

const insertMeta = sql('insert into meta (name, value) values (?, ?) on conflict (name) do nothing')
const setLogPlace = sql(
  `insert into meta (name, value) select 'job-log:' || id, cast(? as text) from job where id = ?
    on conflict (name) do update set value = excluded.value`,
)
const readMeta = sql('select value from meta where name = ?')

/** Sets a single fact once; whoever comes second gets what the first one set. */
export function* claimMeta(
  { name, value }: { readonly name: string; readonly value: string },
  _scope: Scope,
): Steps<string> {
  yield* execute(insertMeta, name, value)
  return (yield* first<{ value: string }>(readMeta, name))?.value ?? value
}

/** The name under which it is kept where a job's log begins, as {@link keepLogPlace} keeps it. */
export function logPlaceOf(jobId: string): string {
  return `job-log:${jobId}`
}

/** Keeps where a job's log begins, as text, for as long as there is the job. */
export function* keepLogPlace(
  { jobId, place }: { readonly jobId: string; readonly place: string },
  _scope: Scope,
): Steps<void> {
  yield* execute(setLogPlace, place, jobId)
}
