import type { Wanted } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { all, type Steps, sql } from '../sql.ts'
import { advance, type Changes, stopRuns } from './advance.ts'
import { releaseNext } from './consequences.ts'
import { lockJobs } from './locks.ts'
import { lockCores } from './run-core.ts'

/** Something wanted of a run by a person or a rule. */
export interface Wish {
  readonly runIds: readonly string[]
  readonly wanted: Wanted
  readonly reason: { readonly code: string; readonly text: string }
  readonly at: number
}

/** Wants runs to rest, to go on, or to end. Finished runs, and runs that are to end already, are left alone. */
export function* wantRuns({ runIds, wanted, reason, at }: Wish, scope: Scope): Steps<Changes> {
  if (wanted === 'stop') return yield* stopRuns(scope, runIds, reason, at)
  const cores = [...(yield* lockCores(runIds)).values()].filter(
    (core) => core.finishedAt === null && core.wanted !== 'stop' && core.wanted !== wanted,
  )
  for (const core of cores) {
    core.wanted = wanted
    core.touched = true
  }
  const changes = yield* advance(scope, cores, at)
  // A run that rested in a queue may be the next one now.
  const waiting = cores.filter(({ queued }) => queued === 1)
  if (wanted !== 'run' || waiting.length === 0) return changes
  yield* lockJobs(
    scope,
    waiting.map(({ jobId }) => jobId),
  )
  return { ...changes, settled: [...changes.settled, ...(yield* releaseNext(scope, waiting, at))] }
}

const liveOfJob = sql('select id from run where job_id = ? and finished_at is null')

/** Wants every unfinished run of a job to end. */
export function* stopJobRuns(
  { jobId, reason, at }: { readonly jobId: string; readonly reason: Wish['reason']; readonly at: number },
  scope: Scope,
): Steps<Changes> {
  const rows = yield* all<{ id: string }>(liveOfJob, jobId)
  return yield* stopRuns(
    scope,
    rows.map(({ id }) => id),
    reason,
    at,
  )
}
