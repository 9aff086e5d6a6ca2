import type { TaskRow } from '../../domain/model.ts'
import { all, idList, type Steps, sql } from '../sql.ts'
import { TASK_RECORD_COLUMNS, type TaskRecord, toTask } from './entities.ts'

/*
 * The tasks of a run that are still to be begun, of which there may be hundreds of thousands. Each of these statements
 * goes by the index task_pending and reads no more than it gives. A pending task is always the last attempt at its target.
 */

/** Pending tasks of a run that are read at once at the most. */
export const PENDING_PAGE = 1000

/** SQL: when a task may begin, as the index has it. The first attempt at a target waits for nothing. */
const DUE = 'coalesce(not_before, 0)'

const firstPending = sql(
  `select ${TASK_RECORD_COLUMNS} from task where run_id = ? and state = 'pending'
    order by ${DUE}, id limit ${PENDING_PAGE}`,
)

/** The pending tasks of a run that fall due first, {@link PENDING_PAGE} when there are so many. */
export function* readPending({ runId }: { readonly runId: string }): Steps<TaskRow[]> {
  return (yield* all<TaskRecord>(firstPending, runId)).map(toTask)
}

const pendingOf = sql(
  (d) => `select ${TASK_RECORD_COLUMNS} from task
    where state = 'pending' and run_id in ${d.ids}`,
)

/**
 * All pending tasks of those runs, in their order, that have together no more than {@link PENDING_PAGE}. Those of the
 * others are for {@link readPending}.
 */
export function* readFewPending(runs: readonly { readonly id: string; readonly nPending: number }[]): Steps<TaskRow[]> {
  const few: string[] = []
  let left = PENDING_PAGE
  for (const { id, nPending } of runs) {
    if (nPending === 0 || nPending > left) continue
    left -= nPending
    few.push(id)
  }
  return few.length === 0 ? [] : (yield* all<TaskRecord>(pendingOf, idList(few))).map(toTask)
}

const nextAttempts = sql((d) => `select id as "runId", ${nextAttemptOf('wanted_')} as "at" from ${d.ids} as wanted_`)

/** SQL: when the first pending task may begin of the run in this table; 0 is at once, and null that there is none. */
export function nextAttemptOf(run: string): string {
  return `(select ${DUE} from task where task.run_id = ${run}.id and task.state = 'pending'
      order by ${DUE} limit 1)`
}

/** When the first pending task of each run may begin, 0 being at once; runs that have none are absent. */
export function* nextAttemptTimes(runIds: readonly string[]): Steps<Map<string, number>> {
  if (runIds.length === 0) return new Map()
  const rows = yield* all<{ runId: string; at: number | null }>(nextAttempts, idList(runIds))
  return new Map(rows.flatMap(({ runId, at }) => (at === null ? [] : [[runId, at] as const])))
}
