import { type FinishedState, isFinished } from '@jobyard/jobs'
import type { Scope } from '../contract.ts'
import type { Steps } from '../sql.ts'
import { advance, type Changes } from './advance.ts'
import { type Ending, nextAttempt, type Retry, recordEnd } from './attempts.ts'
import { isOwner, lockCores, type Ownership, type RunCore } from './run-core.ts'
import { endPlaced } from './stop-tasks.ts'
import { addTasks, moveTask, type NewTask, readTaskCores, saveTaskCores, type TaskCore } from './tasks.ts'

function touched(items: readonly Ownership[], runs: ReadonlyMap<string, RunCore>): RunCore[] {
  const ids = new Set(items.map(({ runId }) => runId))
  return [...runs.values()].filter(({ id }) => ids.has(id))
}

/** A change of one task by its owner. */
export interface TaskChange extends Ownership, Ending {
  readonly taskId: string
  /** Deadline of a parked task, epoch milliseconds. */
  readonly parkedUntil?: number
  /** Another attempt at the same target. Ignored when the run is not wanted any longer. */
  readonly retry?: Retry
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
    if (!isOwner(run, item)) return false
    // The same, and somebody has ended the parked task since.
    if (isFinished(task.state))
      return (item.to === 'blocked' || item.to === 'disconnected') && task.fence === item.fence
    if (task.owner !== null && (task.owner !== item.owner || task.fence !== item.fence)) return false
    if (item.to === 'running' && !mayRun(task, run)) return false
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

/**
 * What is pending may begin, unless its run is to rest or to end, and what is frozen may thaw. A parked attempt may
 * neither: word that it was to be begun may have come late, when that was done already.
 */
function mayRun(task: TaskCore, run: RunCore): boolean {
  return task.state === 'pending' ? run.wanted === 'run' : task.state === 'suspended'
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

/** How a run ended, by its owner. */
export interface Verdict extends Ownership {
  readonly verdict: FinishedState
  /** Put on the run in place of its tasks' reasons. */
  readonly reason?: { readonly code: string; readonly text: string }
}

/** Ends runs whose kind passes the verdict itself. A stale owner's verdict is not taken. */
export function* closeRuns(
  { items, at }: { readonly items: readonly Verdict[]; readonly at: number },
  scope: Scope,
): Steps<Changes> {
  const runs = yield* lockCores(items.map(({ runId }) => runId))
  const valid = items.filter((item) => isOwner(runs.get(item.runId), item))
  for (const { runId, reason } of valid) {
    const run = runs.get(runId)
    if (run === undefined || reason === undefined) continue
    run.reasonCode = reason.code
    run.reasonText = reason.text
    run.touched = true
  }
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
  }
  const released = touched(valid, runs)
  yield* endPlaced(released, { code: 'shutdown', text: 'The server was shut down.' }, at)
  return yield* advance(scope, released, at)
}
