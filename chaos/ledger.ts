import type { JobRecord, OccurrenceRecord, RunRecord, Snapshot, TaskRecord } from './records.ts'
import type { Violations } from './violations.ts'

/** A request for a run that a client made, sent again and again under one key until it was answered. */
export interface Request {
  /** Is among the run's arguments, so that the run is found by it whatever became of the answer. */
  readonly token: string
  readonly job: string
  /** How often it was sent. */
  sent: number
  /** What the server said in the end; undefined while nobody knows. */
  answer:
    | {
        readonly status: number
        readonly runId?: string
        readonly code?: string
        /** Epoch milliseconds. A look at the database that began before may not show the run. */
        readonly at: number
      }
    | undefined
}

/** What was running when its server died. */
export interface Doomed {
  readonly taskId: string
  readonly instance: string
  /** Epoch milliseconds. */
  readonly killedAt: number
}

const FINISHED: ReadonlySet<string> = new Set(['completed', 'failed', 'stopped'])

/** Whether a run in this state has ended for good. */
export function isFinished(state: string): boolean {
  return FINISHED.has(state)
}

/**
 * Everything that was seen of the campaign in all looks at the database, whatever retention has deleted since, beside what
 * the clients were told.
 */
export class Ledger {
  readonly requests = new Map<string, Request>()
  readonly jobs = new Map<string, JobRecord>()
  readonly runs = new Map<string, RunRecord>()
  readonly tasks = new Map<string, TaskRecord>()
  readonly occurrences = new Map<string, OccurrenceRecord>()
  readonly doomed: Doomed[] = []
  /** Runs whose end nobody saw, because retention took them between two looks. */
  readonly fled = new Set<string>()
  looks = 0
  /** Jobs, by name, whose retention is so short that runs come and go between two looks. */
  readonly #fleeting: ReadonlySet<string>

  constructor(fleeting: ReadonlySet<string> = new Set()) {
    this.#fleeting = fleeting
  }

  /** Takes in a look at the database. What has ended must not change, and what has not must not vanish. */
  absorb(snapshot: Snapshot, violations: Violations): void {
    this.looks++
    for (const job of snapshot.jobs) this.jobs.set(job.id, job)
    for (const run of snapshot.runs) {
      const before = this.runs.get(run.id)
      if (before !== undefined && isFinished(before.state)) requireSame('run', before, run, violations)
      this.runs.set(run.id, run)
    }
    for (const task of snapshot.tasks) {
      const before = this.tasks.get(task.id)
      if (before !== undefined && isFinished(before.state)) requireSame('task', before, task, violations)
      this.tasks.set(task.id, task)
    }
    this.#absorbOccurrences(snapshot.occurrences, violations)
    this.#requireNoneGone(snapshot, violations)
  }

  jobName(id: string): string {
    return this.jobs.get(id)?.name ?? id
  }

  #absorbOccurrences(occurrences: readonly OccurrenceRecord[], violations: Violations): void {
    for (const occurrence of occurrences) {
      const key = `${occurrence.jobId} ${occurrence.due}`
      const before = this.occurrences.get(key)
      if (before !== undefined && (before.outcome !== occurrence.outcome || before.runId !== occurrence.runId)) {
        violations.add(2, `the record of occurrence ${key} changed`, { before, now: occurrence })
      }
      this.occurrences.set(key, occurrence)
    }
  }

  #requireNoneGone(snapshot: Snapshot, violations: Violations): void {
    const there = new Set(snapshot.runs.map(({ id }) => id))
    for (const run of this.runs.values()) {
      if (isFinished(run.state) || there.has(run.id)) continue
      if (this.#fleeting.has(this.jobName(run.jobId))) this.fled.add(run.id)
      else violations.add(1, `run ${run.id} had not ended and is gone from the database`, run)
    }
  }
}

function requireSame(
  what: string,
  before: RunRecord | TaskRecord,
  now: RunRecord | TaskRecord,
  violations: Violations,
): void {
  const { id, state, finishedAt } = before
  if (state === now.state && finishedAt === now.finishedAt) return
  violations.add('books', `${what} ${id} had ended as ${state} and is ${now.state} now`, { before, now })
}
