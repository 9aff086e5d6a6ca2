import type { FinishedState } from '@jobyard/jobs'
import type { Policy, TaskRow } from '../../domain/model.ts'
import { type NextTry, tryAfterFailure } from '../../domain/retry.ts'
import type { Scope } from '../contract.ts'
import { all, execute, idList, type Steps, sql } from '../sql.ts'
import { advance } from './advance.ts'
import { type Ending, nextAttempt, recordEnd } from './attempts.ts'
import { lockCores, type RunCore, readRules } from './run-core.ts'
import { addTasks, moveTask, type NewTask, newRow, readTaskCores, saveTaskCores, type TaskCore } from './tasks.ts'
import type { Changed } from './work.ts'

/** The end of a parked task, told from outside: a device answered, an endpoint called back, a person approved. */
export interface Resolution extends Ending {
  readonly taskId: string
  readonly to: FinishedState
  /** False: another attempt would be useless, whatever the job's policy says. */
  readonly retry?: boolean
}

/** When tasks are resolved, and by whom. */
export interface Resolutions {
  readonly at: number
  /** From 0 to below 1. */
  readonly lot: number
  /** The instance that learns of the outcome. Absent: none. */
  readonly by?: string
}

/** Another attempt in a run that somebody works on, who is to know of it. */
export interface NewAttempt {
  /** Of the run's owner. */
  readonly fence: number
  readonly task: TaskRow
}

/** What came of {@link resolveTasks}. */
export interface Resolved extends Changed {
  readonly attempts: readonly NewAttempt[]
}

/** PostgreSQL's channel on which owners of runs are told of attempts that others have given them: the ids of the runs. */
export const ATTEMPTS_CHANNEL = 'jobyard_attempts'

const tellOwners = sql((d) => `select pg_notify('${ATTEMPTS_CHANNEL}', id) from ${d.ids} as given_`)

const runsOfTasks = sql(
  (d) => `select id, run_id as "runId" from task
    where id in ${d.ids}`,
)

/**
 * Ends parked tasks. One that is not parked (any longer) is not touched: the first resolution counts. One that failed is
 * followed by another attempt where its job's policy gives one; `lot`, from 0 to below 1, draws the jitter of its wait.
 * Attempts in runs that are under way are answered, and told to those owners that are not `by`, the instance that asks.
 */
export function* resolveTasks(
  { items, by, at, lot }: Resolutions & { readonly items: readonly Resolution[] },
  scope: Scope,
): Steps<Resolved> {
  const ids = idList(items.map(({ taskId }) => taskId))
  const owners = yield* all<{ id: string; runId: string }>(runsOfTasks, ids)
  const runs = yield* lockCores(owners.map(({ runId }) => runId))
  const tasks = yield* readTaskCores(items.map(({ taskId }) => taskId))
  const failing = items.some(({ to, retry }) => to === 'failed' && retry !== false)
  const rules = failing ? yield* readRules(runs.values()) : undefined
  const attempts: NewTask[] = []
  const changed = new Map<string, TaskCore>()
  const accepted = items.map((item) => {
    const task = tasks.get(item.taskId)
    const run = task && runs.get(task.runId)
    if (task === undefined || run === undefined || run.finishedAt !== null) return false
    if (task.state !== 'blocked' && task.state !== 'disconnected') return false
    moveTask(task, run, item.to, at)
    recordEnd(task, run, item)
    const again = nextTry(item, task, run, rules?.get(run.jobId)?.policy, lot)
    if (again !== null) attempts.push(nextAttempt(task, run, { id: scope.ids.next(), ...again }, at))
    changed.set(task.id, task)
    return true
  })
  yield* saveTaskCores([...changed.values()])
  const added = yield* addTasks(attempts, runs)
  const runIds = new Set([...changed.values()].map(({ runId }) => runId))
  const touched = [...runs.values()].filter(({ id }) => runIds.has(id))
  const changes = yield* advance(scope, touched, at)
  const fresh = attempts.filter(({ id }) => added.has(id))
  return { ...changes, accepted, attempts: yield* giveToOwners(scope, fresh, runs, by) }
}

/** Attempts in runs that still have an owner; what has none is found by whoever takes the run next. */
function* giveToOwners(
  scope: Scope,
  attempts: readonly NewTask[],
  runs: ReadonlyMap<string, RunCore>,
  by: string | undefined,
): Steps<NewAttempt[]> {
  const given: NewAttempt[] = []
  const others = new Set<string>()
  for (const attempt of attempts) {
    const run = runs.get(attempt.runId)
    if (run === undefined || run.owner === null) continue
    given.push({ fence: run.fence, task: newRow(attempt) })
    if (run.owner !== by) others.add(run.id)
  }
  if (others.size > 0 && scope.dialect.name === 'postgres') yield* execute(tellOwners, idList(others))
  return given
}

/** The attempt that follows a failed one; null when there is to be none. A continuous job's place is filled by a new run. */
function nextTry(
  { to, retry }: Resolution,
  task: TaskCore,
  run: RunCore,
  policy: Policy | undefined,
  lot: number,
): NextTry | null {
  if (to !== 'failed' || retry === false || run.wanted === 'stop' || run.why === 'continuous') return null
  return policy === undefined ? null : tryAfterFailure(policy.retry, task, lot)
}
