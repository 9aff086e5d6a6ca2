import { isFinished } from '../ledger.ts'
import type { RunRecord, Snapshot, TaskRecord } from '../records.ts'
import type { Violations } from '../violations.ts'

const STATES: ReadonlySet<string> = new Set([
  ...['pending', 'running', 'blocked', 'suspending', 'suspended', 'stopping', 'disconnected'],
  ...['completed', 'failed', 'stopped'],
])

/** The column in which a run counts the tasks of a state. */
const COUNTED_AS = {
  pending: 'nPending',
  running: 'nRunning',
  suspending: 'nRunning',
  stopping: 'nRunning',
  blocked: 'nBlocked',
  disconnected: 'nDisconnected',
  suspended: 'nSuspended',
  completed: 'nCompleted',
  failed: 'nFailed',
  stopped: 'nStopped',
} as const satisfies Record<string, keyof RunRecord>

const COLUMNS = [...new Set(Object.values(COUNTED_AS))]

/** Whether one state of the database is in order, whenever it was taken: every transaction leaves it so. Answers how many rows were looked at. */
export function checkBooks(snapshot: Snapshot, violations: Violations): number {
  const tasks = Map.groupBy(snapshot.tasks, ({ runId }) => runId)
  const gone = new Set(snapshot.instances.filter(({ state }) => state === 'gone').map(({ id }) => id))
  const known = new Set(snapshot.instances.map(({ id }) => id))
  const busy = new Set(
    snapshot.runs.filter(({ state, queued }) => !isFinished(state) && queued === 0).map(({ jobId }) => jobId),
  )
  for (const run of snapshot.runs) {
    const own = tasks.get(run.id) ?? []
    const faults = [...faultsOfRun(run), ...faultsOfTasks(run, own), ...faultsOfCounts(run, own)]
    if (run.owner !== null && !known.has(run.owner)) faults.push(`is owned by ${run.owner}, which is not on record`)
    if (run.owner !== null && gone.has(run.owner)) faults.push(`is owned by ${run.owner}, which is gone`)
    const released = run.queued === 0 || run.wanted !== 'run' || busy.has(run.jobId)
    if (!released) faults.push('waits in a queue although no other run of its job is unfinished')
    for (const fault of faults) violations.add('books', `run ${run.id} ${fault}`, { run, tasks: own })
  }
  const runs = new Set(snapshot.runs.map(({ id }) => id))
  for (const task of snapshot.tasks) {
    if (!runs.has(task.runId)) violations.add('books', `task ${task.id} has no run`, task)
  }
  return snapshot.runs.length + snapshot.tasks.length
}

function faultsOfRun(run: RunRecord): string[] {
  const faults: string[] = []
  const { state, owner, finishedAt, dispatchAt, queued, wanted } = run
  if (!STATES.has(state)) faults.push(`is in a state that there is not: ${state}`)
  if (isFinished(state) !== (finishedAt !== null)) faults.push(`is ${state} and finished at ${finishedAt}`)
  if (finishedAt !== null && (owner !== null || dispatchAt !== null || queued !== 0)) {
    faults.push('has ended and is owned, queued or up for dispatch')
  }
  if (owner !== null && dispatchAt !== null) faults.push('is owned and up for dispatch at once')
  if (state === 'running' && owner === null) faults.push('is running and nobody owns it')
  const parked = run.nBlocked + run.nDisconnected > 0
  const idle = owner === null && dispatchAt === null && finishedAt === null && queued === 0 && !parked
  if (idle && wanted === 'run') faults.push(`is ${state}, and nobody will ever work on it`)
  if (idle && wanted === 'stop') faults.push(`is ${state} and to be stopped, and nobody will ever stop it`)
  return faults
}

function faultsOfTasks(run: RunRecord, tasks: readonly TaskRecord[]): string[] {
  const faults: string[] = []
  for (const [target, attempts] of Map.groupBy(tasks, (task) => task.target)) {
    const numbers = attempts.map(({ attempt }) => attempt).toSorted((a, b) => a - b)
    if (numbers.some((number, index) => number !== index + 1)) faults.push(`has attempts ${numbers} at ${target}`)
    const latest = attempts.filter((task) => task.latest === 1).map(({ attempt }) => attempt)
    if (latest.length !== 1 || latest[0] !== numbers.length) faults.push(`has latest attempts ${latest} at ${target}`)
  }
  for (const task of tasks) faults.push(...faultsOfTask(run, task))
  return faults
}

function faultsOfTask(run: RunRecord, task: TaskRecord): string[] {
  const { id, state, finishedAt, owner, fence, latest, parkedUntil } = task
  const faults: string[] = []
  if (!STATES.has(state)) faults.push(`has task ${id} in a state that there is not: ${state}`)
  if (isFinished(state) !== (finishedAt !== null)) faults.push(`has task ${id}, ${state} and finished at ${finishedAt}`)
  if (finishedAt === null && run.finishedAt !== null) faults.push(`has ended, but its task ${id} is ${state}`)
  if (finishedAt === null && latest === 0) faults.push(`has task ${id}, followed by another attempt and still ${state}`)
  const works = state === 'running' || state === 'suspended' || state === 'suspending' || state === 'stopping'
  if (works && (owner === null || owner !== run.owner || fence !== run.fence)) {
    faults.push(`has task ${id}, ${state} under ${owner}/${fence}, while it is owned by ${run.owner}/${run.fence}`)
  }
  if ((state === 'blocked' || state === 'disconnected') && parkedUntil === null) {
    faults.push(`has task ${id}, ${state} without a deadline`)
  }
  return faults
}

/** The counts are kept by difference; here they are counted anew. */
function faultsOfCounts(run: RunRecord, tasks: readonly TaskRecord[]): string[] {
  const counts: Record<string, number> = {}
  for (const { latest, state } of tasks) {
    if (latest !== 1 || !isCounted(state)) continue
    const column = COUNTED_AS[state]
    counts[column] = (counts[column] ?? 0) + 1
  }
  return COLUMNS.filter((column) => run[column] !== (counts[column] ?? 0)).map(
    (column) => `says ${column} ${run[column]}; its tasks say ${counts[column] ?? 0}`,
  )
}

function isCounted(state: string): state is keyof typeof COUNTED_AS {
  return state in COUNTED_AS
}
