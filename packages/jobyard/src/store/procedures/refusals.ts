import { first, forEachRow, insertEach, type Steps, sql } from '../sql.ts'
import type { RequestOutcome, RunRequest } from './insert-runs.ts'

/** A run that the end of another asked for, and that was not made. */
export interface Refused {
  /** The job that was to run; the one whose run ended when that one is gone. It has the refusal on record. */
  readonly jobId: string
  readonly why: 'after' | 'failure'
  /** The run that ended. */
  readonly runId: string
  readonly reason: string
}

const record = insertEach(
  'occurrence',
  { jobId: 'text', due: 'int', outcome: 'text', reason: 'text', recordedAt: 'int' },
  'on conflict (job_id, due) do nothing',
)

/** The requests that were refused, told so that people know what they read. */
export function refusedOf(requests: readonly RunRequest[], outcomes: readonly RequestOutcome[]): Refused[] {
  return requests.flatMap((request, index) => {
    const outcome = outcomes[index]
    return outcome === undefined || outcome.ok ? [] : [describe(request, outcome.text, outcome.code === 'unknown')]
  })
}

/** A request that must not even be tried. */
export function refuse(request: RunRequest, text: string): Refused {
  return describe(request, text, false)
}

function describe({ jobId, why, detail }: RunRequest, text: string, gone: boolean): Refused {
  const { run, job, jobName, number, state } = detail
  const what = why === 'failure' ? 'No failure action for' : 'No run after'
  return {
    jobId: gone ? String(job) : jobId,
    why: why === 'failure' ? 'failure' : 'after',
    runId: String(run),
    reason: `${what} run ${number} of ${jobName} (${state}): ${text}`,
  }
}

const newest = sql('select max(due) as due from occurrence where job_id = ? and due >= ? and due < ?')

/**
 * Puts refusals on record where those of schedules are, so that nobody looks for a run that never was: each under a time
 * of its own that is no whole second, because an occurrence of the job's schedule may still come to have that one.
 */
export function* recordRefused(refused: readonly Refused[], at: number): Steps<void> {
  const last = new Map<string, number>()
  for (const { jobId, reason } of refused) {
    const known = last.get(jobId) ?? (yield* first<{ due: number | null }>(newest, jobId, at, at + 1000))?.due
    let due = Math.max(at, (known ?? 0) + 1)
    if (due % 1000 === 0) due++
    last.set(jobId, due)
    yield* forEachRow(record, [{ jobId, due, outcome: 'skipped', reason, recordedAt: at }])
  }
}
