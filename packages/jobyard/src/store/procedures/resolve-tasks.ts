import type { FinishedState } from '@jobyard/jobs'
import type { Policy, RetryPolicy } from '../../domain/model.ts'
import { nextAttemptDelay } from '../../domain/retry.ts'
import type { Scope } from '../contract.ts'
import { all, type Steps, sql } from '../sql.ts'
import { advance } from './advance.ts'
import { type Ending, nextAttempt, type Retry, recordEnd } from './attempts.ts'
import { lockCores, type RunCore } from './run-core.ts'
import { addTasks, moveTask, type NewTask, readTaskCores, saveTaskCores, type TaskCore } from './tasks.ts'
import type { Changed } from './work.ts'

/** The end of a parked task, told from outside: a device answered, an endpoint called back, a person approved. */
export interface Resolution extends Ending {
  readonly taskId: string
  readonly to: FinishedState
  /** False: another attempt would be useless, whatever the job's policy says. */
  readonly retry?: boolean
}

const runsOfTasks = sql(
  (d) => `select id, run_id as "runId" from task
    where id in (select id from ${d.rows({ id: 'text' })} as wanted_)`,
)
const policies = sql(
  (d) => `select id, policy from job where id in (select id from ${d.rows({ id: 'text' })} as wanted_)`,
)

/**
 * Ends parked tasks. One that is not parked (any longer) is not touched: the first resolution counts. One that failed is
 * followed by another attempt where its job's policy gives one; `lot`, from 0 to below 1, draws the jitter of its wait.
 */
export function* resolveTasks(
  { items, at, lot }: { readonly items: readonly Resolution[]; readonly at: number; readonly lot: number },
  scope: Scope,
): Steps<Changed> {
  const ids = idList(items.map(({ taskId }) => taskId))
  const owners = yield* all<{ id: string; runId: string }>(runsOfTasks, ids)
  const runs = yield* lockCores(owners.map(({ runId }) => runId))
  const tasks = yield* readTaskCores(items.map(({ taskId }) => taskId))
  const failing = items.some(({ to, retry }) => to === 'failed' && retry !== false)
  const rules = failing ? yield* readRetryPolicies([...runs.values()]) : new Map<string, RetryPolicy>()
  const attempts: NewTask[] = []
  const changed = new Map<string, TaskCore>()
  const accepted = items.map((item) => {
    const task = tasks.get(item.taskId)
    const run = task && runs.get(task.runId)
    if (task === undefined || run === undefined || run.finishedAt !== null) return false
    if (task.state !== 'blocked' && task.state !== 'disconnected') return false
    moveTask(task, run, item.to, at)
    recordEnd(task, run, item)
    const again = nextTry(scope, item, task, run, rules.get(run.jobId), { at, lot })
    if (again !== null) attempts.push(nextAttempt(task, run, again, at))
    changed.set(task.id, task)
    return true
  })
  yield* saveTaskCores([...changed.values()])
  yield* addTasks(attempts, runs)
  const runIds = new Set([...changed.values()].map(({ runId }) => runId))
  const touched = [...runs.values()].filter(({ id }) => runIds.has(id))
  return { ...(yield* advance(scope, touched, at)), accepted }
}

function* readRetryPolicies(runs: readonly RunCore[]): Steps<Map<string, RetryPolicy>> {
  const jobIds = new Set(runs.map(({ jobId }) => jobId))
  const rows = yield* all<{ id: string; policy: string }>(policies, idList([...jobIds]))
  return new Map(rows.map(({ id, policy }) => [id, (JSON.parse(policy) as Policy).retry]))
}

/** The attempt that follows a failed one; null when there is to be none. A continuous job's place is filled by a new run. */
function nextTry(
  scope: Scope,
  { to, retry }: Resolution,
  task: TaskCore,
  run: RunCore,
  policy: RetryPolicy | undefined,
  { at, lot }: { readonly at: number; readonly lot: number },
): Retry | null {
  if (to !== 'failed' || retry === false || run.wanted === 'stop' || run.why === 'continuous') return null
  if (policy === undefined) return null
  const delay = nextAttemptDelay(policy, task.attempt - task.crashes, lot)
  return delay === null ? null : { id: scope.ids.next(), notBefore: at + delay, crashed: false }
}

function idList(ids: readonly string[]): string {
  return JSON.stringify(ids.map((id) => ({ id })))
}
