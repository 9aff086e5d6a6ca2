import type { Ledger } from '../ledger.ts'
import type { Lifetime, Marks } from '../marks.ts'
import type { TaskRecord } from '../records.ts'
import type { Violations } from '../violations.ts'

/**
 * Ends are on record in whole milliseconds, cut off, and marks in microseconds. Both come from one clock, the machine's, and
 * an end is recorded only when every process of the task is known to be dead; so there is nothing else to allow for.
 */
const ROUNDING_MS = 1

/** What was counted. */
export interface ExecutionFigures {
  readonly marks: number
  readonly attempts: number
  /** Attempts that began and never came to their end line: killed. */
  readonly cutShort: number
}

/** Jobs of which the marks are no lifetimes that must not overlap. */
export interface ExecutionOptions {
  /** Marks after this instant are not judged: the look at the database may be older than they are. */
  readonly before: number
}

/**
 * Invariant 3, from what the scripts wrote down. Each attempt began at most once, and only when it was on record. Nobody
 * found a lock taken that only an earlier attempt, run or lifetime could have held. What is on record as completed came
 * to its end, what failed with an exit code said that code, and nothing lived on after its end was on record.
 */
export function checkExecutions(
  marks: Marks,
  ledger: Ledger,
  violations: Violations,
  { before }: ExecutionOptions,
): ExecutionFigures {
  for (const line of marks.strange) violations.add(3, `a line that no script writes: ${line}`, null)
  for (const lifetime of marks.lifetimes.values()) {
    if (lifetime.first < before) checkLifetime(lifetime, ledger, violations)
  }
  for (const task of ledger.tasks.values()) {
    if (task.finishedAt !== null && task.finishedAt < before) checkTask(task, marks.lifetimes.get(task.id), violations)
  }
  const all = [...marks.lifetimes.values()]
  return {
    marks: marks.count,
    attempts: all.length,
    cutShort: all.filter(({ ends }) => ends.length === 0).length,
  }
}

function checkLifetime(lifetime: Lifetime, ledger: Ledger, violations: Violations): void {
  const { taskId, runId, attempt, starts, ends, overlaps } = lifetime
  const job = ledger.jobName(ledger.runs.get(runId)?.jobId ?? '')
  if (starts.length > 1) violations.add(3, `task ${taskId} began ${starts.length} times`, lifetime)
  if (ends.length > 1) violations.add(3, `task ${taskId} ended ${ends.length} times`, lifetime)
  for (const lock of overlaps) {
    const invariant = lock.startsWith('life-') ? 5 : 3
    violations.add(
      invariant,
      `task ${taskId} of ${job} found ${lock} taken: somebody else ran at the same time`,
      lifetime,
    )
  }
  const task = ledger.tasks.get(taskId)
  // A run of a job with short retention may be gone before anybody looked.
  if (task === undefined) {
    if (ledger.runs.has(runId)) violations.add(3, `task ${taskId} was executed and is not on record`, lifetime)
    return
  }
  if (task.attempt !== attempt)
    violations.add(3, `task ${taskId} was executed as attempt ${attempt}`, { lifetime, task })
  if (task.startedAt === null) violations.add(3, `task ${taskId} was executed and never begun`, { lifetime, task })
}

function checkTask(task: TaskRecord, lifetime: Lifetime | undefined, violations: Violations): void {
  const { id, state, finishedAt, reasonCode, exitCode } = task
  if (state === 'completed' && lifetime?.ends[0] !== '0') {
    violations.add(3, `task ${id} is on record as completed and did not come to its end`, { task, lifetime })
  }
  if (reasonCode === 'exit-code' && lifetime?.ends[0] !== String(exitCode)) {
    violations.add(3, `task ${id} is on record with exit code ${exitCode} and did not end with it`, { task, lifetime })
  }
  if (lifetime !== undefined && finishedAt !== null && lifetime.last > finishedAt + ROUNDING_MS) {
    const late = Math.round(lifetime.last - finishedAt)
    violations.add(3, `task ${id} lived on for ${late} ms after its end was on record`, { task, lifetime })
  }
}
