import type { State } from '@jobyard/jobs'
import type { RunRow, TaskRow } from '../../domain/model.ts'
import { all, first, idList, type Steps, sql } from '../sql.ts'
import { RUN_COLUMNS, type RunRecord, TASK_RECORD_COLUMNS, type TaskRecord, toRun, toTask } from './entities.ts'

const runById = sql(`select ${RUN_COLUMNS} from run where id = ?`)
const runByNumber = sql(`select ${RUN_COLUMNS} from run where job_id = ? and number = ? limit 1`)
const latest = sql(
  (d) => `select ${RUN_COLUMNS} from run where id in (
      select (select r.id from run r where r.job_id = v.id order by r.number desc limit 1)
      from ${d.ids} as v)`,
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
  const rows = yield* all<RunRecord>(latest, idList(jobIds))
  return rows.map(toRun)
}

/** The unfinished runs of a job, the oldest first. */
export function* liveRuns({ jobId }: { readonly jobId: string }): Steps<RunRow[]> {
  return (yield* all<RunRecord>(live, jobId)).map(toRun)
}

const tasksOfRun = sql(`select ${TASK_RECORD_COLUMNS} from task where run_id = ? and id > ? order by id limit ?`)
const tasksOf = sql((d) => `select ${TASK_RECORD_COLUMNS} from task where run_id in ${d.ids} order by id limit ?`)

/** The tasks of several runs, as {@link listTasks} has them of one; the oldest, where they are too many. */
export function* listTasksOf(input: { readonly runIds: readonly string[]; readonly limit: number }): Steps<TaskRow[]> {
  return (yield* all<TaskRecord>(tasksOf, idList(input.runIds), input.limit)).map(toTask)
}

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
