import type { State } from '@jobyard/jobs'
import { sql as raw } from 'kysely'
import type { RunRow, TaskRow, Why } from '../../domain/model.ts'
import type { Scope } from '../contract.ts'
import { all, first, type Steps, sql } from '../sql.ts'
import { compose, rowsOf } from './compose.ts'
import { RUN_COLUMNS, type RunRecord, TASK_RECORD_COLUMNS, type TaskRecord, toRun, toTask } from './entities.ts'

const runById = sql(`select ${RUN_COLUMNS} from run where id = ?`)
const runByNumber = sql(`select ${RUN_COLUMNS} from run where job_id = ? and number = ? limit 1`)
const latest = sql(
  (d) => `select ${RUN_COLUMNS} from run where id in (
      select (select max(r.id) from run r where r.job_id = v.id) from ${d.rows({ id: 'text' })} as v)`,
)
const live = sql(`select ${RUN_COLUMNS} from run where job_id = ? and finished_at is null order by id limit 1000`)

/** A run by its id; null when there is none. */
export function* getRun({ id }: { readonly id: string }): Steps<RunRow | null> {
  const record = yield* first<RunRecord>(runById, id)
  return record === undefined ? null : toRun(record)
}

/** A run by its job and number; null when there is none. */
export function* getRunByNumber(input: { readonly jobId: string; readonly number: number }): Steps<RunRow | null> {
  const record = yield* first<RunRecord>(runByNumber, input.jobId, input.number)
  return record === undefined ? null : toRun(record)
}

/** The newest run of each of these jobs; jobs that never ran are absent. */
export function* latestRuns({ jobIds }: { readonly jobIds: readonly string[] }): Steps<RunRow[]> {
  const rows = yield* all<RunRecord>(latest, JSON.stringify(jobIds.map((id) => ({ id }))))
  return rows.map(toRun)
}

/** The unfinished runs of a job, the oldest first. */
export function* liveRuns({ jobId }: { readonly jobId: string }): Steps<RunRow[]> {
  return (yield* all<RunRecord>(live, jobId)).map(toRun)
}

/** Which runs to list, the newest first. All that is given must hold. */
export interface RunFilter {
  readonly jobId?: string
  readonly collectionId?: string
  readonly kind?: string
  readonly states?: readonly State[]
  readonly why?: Why
  /** Created at or after, epoch milliseconds. */
  readonly from?: number
  /** Created before, epoch milliseconds. */
  readonly to?: number
  /** Only runs older than the one with this id: where the page before ended. */
  readonly before?: string
  readonly limit: number
}

/** A page of runs. Ids begin with the time, so both order and time range go by the index of ids. */
export function* listRuns(filter: RunFilter, { dialect }: Scope): Steps<RunRow[]> {
  const { jobId, collectionId, kind, states, why, from, to, before, limit } = filter
  let query = compose(dialect).selectFrom('run').select('id')
  if (jobId !== undefined) query = query.where('job_id', '=', jobId)
  if (collectionId !== undefined) query = query.where('collection_id', '=', collectionId)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (states !== undefined) query = query.where('state', 'in', states)
  if (states?.every(isFinal)) query = query.where('finished_at', 'is not', null)
  if (why !== undefined) query = query.where('why', '=', why)
  // The index of the rare triggers is a partial one, which a parameter alone does not let the database use.
  if (why !== undefined && RARE.has(why))
    query = query.where(raw<boolean>`why in ('webhook', 'after', 'rerun', 'failure')`)
  if (from !== undefined) query = query.where('id', '>=', firstIdAt(from))
  if (to !== undefined) query = query.where('id', '<', firstIdAt(to))
  if (before !== undefined) query = query.where('id', '<', before)
  // Few runs are unfinished among many that are not: found by their own index and sorted, not searched for by id.
  const live = states !== undefined && !states.some(isFinal)
  if (live) query = query.where('finished_at', 'is', null)
  const ordered = live ? query.orderBy(raw`id || ''`, 'desc') : query.orderBy('id', 'desc')
  const rows = yield* rowsOf<RunRecord>(ordered.limit(limit).compile(), RUN_COLUMNS)
  return rows.map(toRun)
}

/** Triggers of which there are few runs among many. */
const RARE: ReadonlySet<Why> = new Set(['webhook', 'after', 'rerun', 'failure'])

function isFinal(state: State): boolean {
  return state === 'completed' || state === 'failed' || state === 'stopped'
}

/** The smallest UUIDv7 of a millisecond. */
function firstIdAt(time: number): string {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

const tasksOfRun = sql(`select ${TASK_RECORD_COLUMNS} from task where run_id = ? and id > ? order by id limit ?`)
const taskById = sql(`select ${TASK_RECORD_COLUMNS} from task where id = ?`)

/** A page of a run's tasks, attempts that were followed by another too, in the order of their making. */
export function* listTasks(input: {
  readonly runId: string
  readonly after?: string
  readonly limit: number
}): Steps<TaskRow[]> {
  const rows = yield* all<TaskRecord>(tasksOfRun, input.runId, input.after ?? '', input.limit)
  return rows.map(toTask)
}

/** A task by its id; null when there is none. */
export function* getTask({ id }: { readonly id: string }): Steps<TaskRow | null> {
  const record = yield* first<TaskRecord>(taskById, id)
  return record === undefined ? null : toTask(record)
}

const payloadOf = sql('select content_type as "contentType", body from payload where run_id = ?')

/** What the caller sent along with a run; null when nothing. */
export function* getPayload({
  runId,
}: {
  readonly runId: string
}): Steps<{ contentType: string | null; body: Uint8Array } | null> {
  return (yield* first<{ contentType: string | null; body: Uint8Array }>(payloadOf, runId)) ?? null
}

const liveCounts = sql('select state, kind, count(*) as count from run where finished_at is null group by state, kind')

/** How many unfinished runs there are, by state and kind. */
export function* countLive(): Steps<{ state: State; kind: string; count: number }[]> {
  return [...(yield* all<{ state: State; kind: string; count: number }>(liveCounts))]
}
