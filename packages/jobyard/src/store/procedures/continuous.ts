import type { Scope } from '../contract.ts'
import { all, execute, type Steps, sql } from '../sql.ts'
import type { Changes } from './advance.ts'
import { ANYWHERE, enterPlaced, TOLD_ANYWHERE } from './continuous-runs.ts'
import { type Inserted, insertRuns } from './insert-runs.ts'
import { mayTake } from './instances.ts'
import { lockJobs } from './locks.ts'
import { flagOn } from './steering.ts'

export { ANYWHERE } from './continuous-runs.ts'

const places = sql(
  `select job.id as "jobId", c.run_id as "runId", c.restart_at as "restartAt", t.place
    from (select job_id, case when singleton = 1 then '${ANYWHERE}' else cast(? as text) end as place
      from job_trigger where type = 'continuous') as t
    join job on job.id = t.job_id
    left join continuous c on c.job_id = t.job_id and c.place = t.place
    where job.enabled = 1 and job.deleted_at is null and c.run_id is null and not ${flagOn('stopped')}`,
)
const occupy = sql(
  `insert into continuous (job_id, place, run_id, started_at, restart_at, quick_ends, starts) values (?, ?, ?, ?, null, 0, 1)
    on conflict (job_id, place) do update set run_id = excluded.run_id, started_at = excluded.started_at,
      restart_at = null, starts = continuous.starts + 1`,
)
/** What an instance got to run, and when it is to look again. */
export interface Filled extends Changes {
  readonly claimed: Inserted['claimed']
  /** When the next place may be filled again, epoch milliseconds; null when none waits. */
  readonly nextRestart: number | null
}

/**
 * Starts the continuous jobs that have no run here: each job once per instance, or a singleton once in all. The
 * unique index on the run's place, not this look, keeps a second instance from starting the same again.
 */
export function* fillPlaces(
  { owner, place, at }: { readonly owner: string; readonly place: string; readonly at: number },
  scope: Scope,
): Steps<Filled> {
  let look = yield* lookForPlaces(scope, place, at)
  if (look.due.length === 0 || !(yield* mayTake(owner)))
    return { settled: [], created: [], claimed: { runs: [], jobs: [] }, nextRestart: look.nextRestart }
  if (scope.dialect.forUpdate !== '') {
    // A job may be changed between the look and its lock: then the place may be no more, or another one.
    const held = new Set(look.due.map(({ jobId }) => jobId))
    yield* lockJobs(scope, held)
    const again = yield* lookForPlaces(scope, place, at)
    look = { ...again, due: again.due.filter(({ jobId }) => held.has(jobId)) }
  }
  const { due, nextRestart } = look
  const requests = due.map((seat) => ({
    id: scope.ids.next(),
    jobId: seat.jobId,
    why: 'continuous' as const,
    detail: { place: seat.place === ANYWHERE ? TOLD_ANYWHERE : seat.place },
    args: [],
    claim: { owner, exclusive: `${seat.jobId}@${seat.place}` },
  }))
  const { outcomes, claimed } = yield* insertRuns(scope, requests, at)
  const created = outcomes.filter((outcome) => outcome.ok)
  const begun = due.flatMap(({ jobId, place }, index) => {
    const outcome = outcomes[index]
    return outcome?.ok ? [{ jobId, place, runId: outcome.id }] : []
  })
  for (const { jobId, place, runId } of begun) yield* execute(occupy, jobId, place, runId, at)
  yield* enterPlaced(scope, begun)
  return { settled: [], created, claimed, nextRestart }
}

interface Place {
  readonly jobId: string
  readonly restartAt: number | null
  readonly place: string
}

/** The places that nobody fills now: those that are due, and when the first of the others will be. */
function* lookForPlaces(
  { slot }: Scope,
  place: string,
  at: number,
): Steps<{ due: Place[]; nextRestart: number | null }> {
  const empty = yield* all<Place>(places, place, slot)
  const due = empty.filter(({ restartAt }) => restartAt === null || restartAt <= at)
  const waiting = empty.flatMap(({ restartAt }) => (restartAt !== null && restartAt > at ? [restartAt] : []))
  return { due, nextRestart: waiting.length === 0 ? null : Math.min(...waiting) }
}
