import { isFinished, type State } from '@jobyard/jobs'
import type { TaskRow } from '../../domain/model.ts'
import { countedAs, requireTransition } from '../../domain/run-state.ts'
import { all, forEachRow, idList, insertMissing, type Steps, sql, updateEach } from '../sql.ts'
import { count, type RunCore } from './run-core.ts'

/** The part of a task's row that its changes go through. */
export interface TaskCore {
  readonly id: string
  readonly runId: string
  readonly target: string
  readonly attempt: number
  /** Earlier attempts at the target that a crash ended. */
  readonly crashes: number
  latest: number
  state: State
  owner: string | null
  fence: number
  parkedUntil: number | null
  startedAt: number | null
  finishedAt: number | null
  reasonCode: string | null
  reasonText: string | null
  result: string | null
  exitCode: number | null
  cpuMs: number | null
  peakBytes: number | null
  readonly detail: string | null
}

/** The select list of {@link TaskCore}. */
export const TASK_COLUMNS = `task.id, task.run_id as "runId", task.target, task.attempt, task.crashes, task.latest, task.state,
  task.owner, task.fence, task.parked_until as "parkedUntil", task.started_at as "startedAt",
  task.finished_at as "finishedAt", task.reason_code as "reasonCode", task.reason_text as "reasonText", task.result,
  task.exit_code as "exitCode", task.cpu_ms as "cpuMs", task.peak_bytes as "peakBytes", task.detail`

const readTasks = sql((d) => `select ${TASK_COLUMNS} from task where id in ${d.ids}`)

const saveTasks = updateEach(
  'task',
  { id: 'text' },
  {
    latest: 'int',
    state: 'text',
    owner: 'text',
    fence: 'int',
    parkedUntil: 'int',
    startedAt: 'int',
    finishedAt: 'int',
    reasonCode: 'text',
    reasonText: 'text',
    result: 'text',
    exitCode: 'int',
    cpuMs: 'int',
    peakBytes: 'int',
  },
)

const insertNew = insertMissing(
  'task',
  {
    id: 'text',
    runId: 'text',
    target: 'text',
    attempt: 'int',
    crashes: 'int',
    state: 'text',
    detail: 'text',
    owner: 'text',
    fence: 'int',
    notBefore: 'int',
    createdAt: 'int',
    startedAt: 'int',
  },
  ['runId', 'target', 'attempt'],
  ['id'],
)

/** A task to write. */
export interface NewTask {
  readonly id: string
  readonly runId: string
  readonly target: string
  readonly attempt: number
  readonly crashes: number
  readonly state: 'pending' | 'running'
  readonly detail: string | null
  readonly owner: string | null
  readonly fence: number
  readonly notBefore: number | null
  readonly createdAt: number
  readonly startedAt: number | null
}

/** What is on record of an attempt that has neither rested nor ended. */
export const NOTHING_YET = {
  parkedUntil: null,
  reasonCode: null,
  reasonText: null,
  result: null,
  exitCode: null,
  cpuMs: null,
  peakBytes: null,
  finishedAt: null,
} as const satisfies Partial<TaskRow>

/** A new task as it is on record. */
export function newRow({ detail, ...task }: NewTask): TaskRow {
  return { ...task, ...NOTHING_YET, detail: detail === null ? null : JSON.parse(detail) }
}

/** Reads tasks for a change, by id; unknown ids are absent. Their runs must be locked already. */
export function* readTaskCores(ids: Iterable<string>): Steps<Map<string, TaskCore>> {
  const rows = yield* all<TaskCore>(readTasks, idList(ids))
  return new Map(rows.map((row) => [row.id, row]))
}

/** Writes changed tasks back. */
export function* saveTaskCores(tasks: readonly TaskCore[]): Steps<void> {
  if (tasks.length > 0) yield* forEachRow(saveTasks, tasks)
}

/** Writes new tasks and tells by their ids which were new: a target that is there already stays as it is. */
export function* insertTasks(tasks: readonly NewTask[]): Steps<ReadonlySet<string>> {
  const rows = yield* forEachRow<{ id: string }>(insertNew, tasks)
  return new Set(rows.map(({ id }) => id))
}

/** As {@link insertTasks}, and counts them in. */
export function* addTasks(tasks: readonly NewTask[], runs: ReadonlyMap<string, RunCore>): Steps<ReadonlySet<string>> {
  const added = yield* insertTasks(tasks)
  for (const task of tasks) {
    const run = runs.get(task.runId)
    if (run !== undefined && added.has(task.id)) count(run, task.state, 1)
  }
  return added
}

/** Brings a task into a state, keeps its run's counts by the difference, and frees it where the state does. */
export function moveTask(task: TaskCore, run: RunCore, to: State, at: number): void {
  requireTransition(task.state, to, `Task ${task.id}`)
  if (task.latest === 1) {
    count(run, countedAs(task.state), -1)
    count(run, countedAs(to), 1)
  }
  task.state = to
  if (isFinished(to)) task.finishedAt = at
  if (isFinished(to) || to === 'blocked' || to === 'disconnected') task.owner = null
  if (to !== 'blocked' && to !== 'disconnected') task.parkedUntil = null
}

/** Makes room for another attempt at the same target: the ended one does not count any longer. */
export function supersede(task: TaskCore, run: RunCore): void {
  count(run, countedAs(task.state), -1)
  task.latest = 0
}
