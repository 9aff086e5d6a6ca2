import type { Availability } from '../availability.ts'
import type { Ledger } from '../ledger.ts'
import type { RunRecord, TaskRecord } from '../records.ts'
import type { Violations } from '../violations.ts'

/** How soon the work of a dead instance must have ended, and by which rules. */
export interface RecoveryRules {
  /** Milliseconds that an instance is believed to live without a sign; 0 where the next server knows at once. */
  readonly leaseMs: number
  /** Milliseconds that the others may take after that, while they are there. */
  readonly noticeMs: number
  /** Jobs, by name, whose tasks are tried again after a crash, and how often. */
  readonly retried: ReadonlyMap<string, number>
}

/** What was counted. Durations in milliseconds. */
export interface RecoveryFigures {
  readonly doomed: number
  readonly retried: number
  /** From the death of the server to the record of the task's end. */
  readonly took: readonly number[]
  readonly open: number
}

/**
 * Invariant 4. What was running when its server died ends soon after its lease is over, and by policy: failed as lost, with
 * another attempt where the job asks for it, or stopped when that was wanted.
 */
export function checkRecovery(
  ledger: Ledger,
  availability: Availability,
  violations: Violations,
  { now, rules }: { readonly now: number; readonly rules: RecoveryRules },
): RecoveryFigures {
  const took: number[] = []
  let retried = 0
  let open = 0
  const attempts = Map.groupBy(ledger.tasks.values(), ({ runId }) => runId)
  for (const doomed of ledger.doomed) {
    const task = ledger.tasks.get(doomed.taskId)
    if (task === undefined || ledger.fled.has(task.runId)) continue
    const endedAt = task.finishedAt ?? now
    const known = doomed.killedAt + rules.leaseMs
    const waited = endedAt > known ? availability.between(known, endedAt) : 0
    if (waited > rules.noticeMs) {
      const text = `task ${task.id} was running when its server died and ${task.finishedAt === null ? 'has not ended' : 'ended'} ${Math.round(waited)} ms after the lease`
      violations.add(4, text, { doomed, task })
    }
    if (task.finishedAt === null) {
      open++
      continue
    }
    took.push(task.finishedAt - doomed.killedAt)
    // Its last word was under way when the server died.
    if (task.finishedAt <= doomed.killedAt) continue
    const next = (attempts.get(task.runId) ?? []).find((each) => follows(task, each))
    checkPolicy(task, next, ledger, violations, rules)
    if (next !== undefined) retried++
  }
  return { doomed: ledger.doomed.length, retried, took, open }
}

function follows(task: TaskRecord, next: TaskRecord): boolean {
  return next.target === task.target && next.attempt === task.attempt + 1
}

/** Whether the end follows from the job's policy. */
function checkPolicy(
  task: TaskRecord,
  next: TaskRecord | undefined,
  ledger: Ledger,
  violations: Violations,
  { retried }: RecoveryRules,
): void {
  const run = ledger.runs.get(task.runId)
  if (run === undefined) return
  const most = retried.get(ledger.jobName(run.jobId))
  const byPolicy = task.reasonCode === 'lost' && (task.state === 'failed' || run.wanted === 'stop')
  if (!byPolicy) {
    violations.add(4, `task ${task.id} died with its server and is ${task.state}/${task.reasonCode}`, { task, run })
  }
  if (next !== undefined && (most === undefined || run.crashes > most)) {
    violations.add(4, `task ${task.id} was tried again against the job's policy`, { task, next, run })
  }
  if (next === undefined && mustRetry(run, task, most)) {
    violations.add(4, `task ${task.id} was not tried again, as the job's policy asks`, { task, run })
  }
}

function mustRetry(run: RunRecord, task: TaskRecord, most: number | undefined): boolean {
  if (most === undefined || run.why === 'continuous' || run.wanted === 'stop' || task.state !== 'failed') return false
  return run.crashes < most
}
