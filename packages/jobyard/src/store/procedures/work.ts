import type { FinishedState, State } from '@jobyard/jobs'
import { isFinished } from '@jobyard/jobs'
import type { Scope } from '../contract.ts'
import { all, type Steps, sql } from '../sql.ts'
import { advance, type Changes } from './advance.ts'
import { endPlaced, isOwner, lockCores, type Ownership, type RunCore } from './run-core.ts'
import { addTasks, moveTask, type NewTask, readTaskCores, saveTaskCores, supersede, type TaskCore } from './tasks.ts'

/** Tasks that an owner has planned, and how far its plan has come. */
export interface OpenTasks extends Ownership {
  readonly tasks: readonly {
    readonly id: string
    readonly target: string
    readonly detail: unknown
    readonly start: boolean
  }[]
  readonly cursor: string | null
  readonly planClosed: boolean
}

/**
 * What came of {@link openTasks}, per run: the ids of the tasks that are new; or `stale` for one who does not own the
 * run any longer, or `unwanted` when the run is to rest or to end.
 */
export interface Opened extends Changes {
  readonly added: (readonly string[] | 'stale' | 'unwanted')[]
}

/** Writes planned tasks before anything is begun for them; those with `start` are running from then on. */
export function* openTasks(
  { items, at }: { readonly items: readonly OpenTasks[]; readonly at: number },
  scope: Scope,
): Steps<Opened> {
  const runs = yield* lockCores(items.map(({ runId }) => runId))
  const owners = items.map((item) => isOwner(runs.get(item.runId), item))
  const valid = items.filter((item, index) => owners[index] && runs.get(item.runId)?.wanted === 'run')
  const wanted = valid.flatMap((item) => newTasks(item, at))
  const added = yield* addTasks(wanted, runs)
  // The answer to a first try may have got lost: a task that is there under its id was added then.
  const missing = wanted.filter(({ id }) => !added.has(id)).map(({ id }) => id)
  if (missing.length > 0) for (const id of (yield* readTaskCores(missing)).keys()) added.add(id)
  for (const item of valid) {
    const run = runs.get(item.runId)
    if (run === undefined) continue
    if (item.planClosed) run.planClosed = 1
    run.cursor = item.cursor ?? run.cursor
  }
  const changes = yield* advance(scope, touched(valid, runs), at)
  const accepted = new Set<OpenTasks>(valid)
  return {
    ...changes,
    added: items.map((item, index) => {
      if (accepted.has(item)) return item.tasks.filter(({ id }) => added.has(id)).map(({ id }) => id)
      return owners[index] ? 'unwanted' : 'stale'
    }),
  }
}

function newTasks({ runId, owner, fence, tasks }: OpenTasks, at: number): NewTask[] {
  return tasks.map(({ id, target, detail, start }) => ({
    id,
    runId,
    target,
    attempt: 1,
    crashes: 0,
    state: start ? 'running' : 'pending',
    detail: detail === undefined ? null : JSON.stringify(detail),
    owner: start ? owner : null,
    fence: start ? fence : 0,
    notBefore: null,
    createdAt: at,
    startedAt: start ? at : null,
  }))
}

function touched(items: readonly Ownership[], runs: ReadonlyMap<string, RunCore>): RunCore[] {
  const ids = new Set(items.map(({ runId }) => runId))
  return [...runs.values()].filter(({ id }) => ids.has(id))
}

/** A change of one task by its owner. */
export interface TaskChange extends Ownership {
  readonly taskId: string
  readonly to: State
  readonly reason?: { readonly code: string; readonly text: string }
  /** JSON text. */
  readonly result?: string
  readonly usage?: {
    readonly cpuMs: number | null
    readonly peakBytes: number | null
    readonly exitCode?: number | null
  }
  /** Deadline of a parked task, epoch milliseconds. */
  readonly parkedUntil?: number
  /** Another attempt at the same target, not before `notBefore`. Ignored when the run is not wanted any longer. */
  readonly retry?: { readonly id: string; readonly notBefore: number; readonly crashed: boolean }
}

/** What came of {@link changeTasks}: per change, whether it was taken; a stale owner's is not. */
export interface Changed extends Changes {
  readonly accepted: boolean[]
}

/** Moves tasks of runs that the caller owns: to running, frozen, parked, or finished. */
export function* changeTasks(
  { items, at }: { readonly items: readonly TaskChange[]; readonly at: number },
  scope: Scope,
): Steps<Changed> {
  const runs = yield* lockCores(items.map(({ runId }) => runId))
  const tasks = yield* readTaskCores(items.map(({ taskId }) => taskId))
  const attempts: NewTask[] = []
  const changed = new Set<TaskChange>()
  const accepted = items.map((item) => {
    const run = runs.get(item.runId)
    const task = tasks.get(item.taskId)
    if (task === undefined || task.fence > item.fence) return false
    // The answer to the first try got lost: what was asked for has been done.
    if (task.state === item.to && task.fence === item.fence && task.startedAt !== null) return true
    if (!isOwner(run, item) || isFinished(task.state)) return false
    if (task.owner !== null && (task.owner !== item.owner || task.fence !== item.fence)) return false
    // A run that is to rest or to end begins nothing more; what is frozen may thaw.
    if (item.to === 'running' && task.state === 'pending' && run.wanted !== 'run') return false
    applyChange(task, run, item, at)
    if (item.retry !== undefined && run.wanted !== 'stop') attempts.push(nextAttempt(task, run, item.retry, at))
    changed.add(item)
    return true
  })
  yield* saveTaskCores([...tasks.values()])
  yield* addTasks(attempts, runs)
  const changes = yield* advance(
    scope,
    touched(
      items.filter((item) => changed.has(item)),
      runs,
    ),
    at,
  )
  return { ...changes, accepted }
}

function applyChange(task: TaskCore, run: RunCore, item: TaskChange, at: number): void {
  if (item.parkedUntil !== undefined && run.wanted === 'stop') {
    stopParked(task, run, at)
    return
  }
  moveTask(task, run, item.to, at)
  if (item.to === 'running') {
    task.owner = item.owner
    task.fence = item.fence
    task.startedAt ??= at
  }
  if (item.parkedUntil !== undefined) task.parkedUntil = item.parkedUntil
  recordEnd(task, run, item)
}

/** Nobody would ever end a task that parks in a run that is to end. */
function stopParked(task: TaskCore, run: RunCore, at: number): void {
  moveTask(task, run, 'stopped', at)
  const reason = { code: run.reasonCode ?? 'user', text: run.reasonText ?? 'The run was stopped.' }
  recordEnd(task, run, { to: 'stopped', reason })
}

/** Notes on a task, and on its run for those who look at no task, how it went. */
export function recordEnd(
  task: TaskCore,
  run: RunCore,
  { to, reason, result, usage }: Pick<TaskChange, 'to' | 'reason' | 'result' | 'usage'>,
): void {
  run.touched = true
  if (result !== undefined) task.result = result
  if (reason !== undefined) {
    task.reasonCode = reason.code
    task.reasonText = reason.text
    if (to === 'failed' || (to === 'stopped' && run.reasonCode === null)) {
      run.reasonCode = reason.code
      run.reasonText = reason.text
    }
  }
  if (to === 'completed' && run.wanted === 'run' && run.nFailed === 0) {
    run.reasonCode = null
    run.reasonText = null
  }
  if (usage === undefined) return
  task.cpuMs = usage.cpuMs
  task.peakBytes = usage.peakBytes
  task.exitCode = usage.exitCode ?? null
  run.exitCode = usage.exitCode ?? run.exitCode
  run.cpuMs = usage.cpuMs === null ? run.cpuMs : (run.cpuMs ?? 0) + usage.cpuMs
  run.peakBytes = usage.peakBytes === null ? run.peakBytes : Math.max(run.peakBytes ?? 0, usage.peakBytes)
}

/** Takes the ended attempt out of the counts and gives the row of the next one. */
export function nextAttempt(
  task: TaskCore,
  run: RunCore,
  retry: { readonly id: string; readonly notBefore: number; readonly crashed: boolean },
  at: number,
): NewTask {
  supersede(task, run)
  const crashes = task.crashes + (retry.crashed ? 1 : 0)
  run.crashes = Math.max(run.crashes, crashes)
  run.touched = true
  return {
    id: retry.id,
    runId: run.id,
    target: task.target,
    attempt: task.attempt + 1,
    crashes,
    state: 'pending',
    detail: task.detail,
    owner: null,
    fence: 0,
    notBefore: retry.notBefore,
    createdAt: at,
    startedAt: null,
  }
}

/** Ends runs whose kind passes the verdict itself. A stale owner's verdict is not taken. */
export function* closeRuns(
  { items, at }: { readonly items: readonly (Ownership & { readonly verdict: FinishedState })[]; readonly at: number },
  scope: Scope,
): Steps<Changes> {
  const runs = yield* lockCores(items.map(({ runId }) => runId))
  const valid = items.filter((item) => isOwner(runs.get(item.runId), item))
  const verdicts = new Map(valid.map(({ runId, verdict }) => [runId, verdict]))
  return yield* advance(scope, touched(valid, runs), at, verdicts)
}

/** Gives runs back that their owner does not go on with; what it had planned stays. */
export function* releaseRuns(
  { items, at }: { readonly items: readonly Ownership[]; readonly at: number },
  scope: Scope,
): Steps<Changes> {
  const runs = yield* lockCores(items.map(({ runId }) => runId))
  const valid = items.filter((item) => {
    const run = runs.get(item.runId)
    return isOwner(run, item) && run.nRunning + run.nSuspended === 0
  })
  for (const { runId } of valid) {
    const run = runs.get(runId)
    if (run === undefined) continue
    run.owner = null
    run.touched = true
    endPlaced(run, { code: 'shutdown', text: 'The server was shut down.' })
  }
  return yield* advance(scope, touched(valid, runs), at)
}

/** The end of a parked task, told from outside: a device answered, an endpoint called back, a person approved. */
export interface Resolution {
  readonly taskId: string
  readonly to: FinishedState
  readonly reason?: { readonly code: string; readonly text: string }
  /** JSON text. */
  readonly result?: string
  readonly retry?: { readonly id: string; readonly notBefore: number; readonly crashed: boolean }
}

const runsOfTasks = sql(
  (d) => `select id, run_id as "runId" from task
    where id in (select id from ${d.rows({ id: 'text' })} as wanted_)`,
)

/** Ends parked tasks. One that is not parked (any longer) is not touched: the first resolution counts. */
export function* resolveTasks(
  { items, at }: { readonly items: readonly Resolution[]; readonly at: number },
  scope: Scope,
): Steps<Changed> {
  const ids = JSON.stringify(items.map(({ taskId }) => ({ id: taskId })))
  const owners = yield* all<{ id: string; runId: string }>(runsOfTasks, ids)
  const runs = yield* lockCores(owners.map(({ runId }) => runId))
  const tasks = yield* readTaskCores(items.map(({ taskId }) => taskId))
  const attempts: NewTask[] = []
  const changed = new Map<string, TaskCore>()
  const accepted = items.map((item) => {
    const task = tasks.get(item.taskId)
    const run = task && runs.get(task.runId)
    if (task === undefined || run === undefined || run.finishedAt !== null) return false
    if (task.state !== 'blocked' && task.state !== 'disconnected') return false
    moveTask(task, run, item.to, at)
    recordEnd(task, run, item)
    if (item.retry !== undefined && run.wanted !== 'stop') attempts.push(nextAttempt(task, run, item.retry, at))
    changed.set(task.id, task)
    return true
  })
  yield* saveTaskCores([...changed.values()])
  yield* addTasks(attempts, runs)
  const runIds = new Set([...changed.values()].map(({ runId }) => runId))
  const changes = yield* advance(
    scope,
    [...runs.values()].filter(({ id }) => runIds.has(id)),
    at,
  )
  return { ...changes, accepted }
}
