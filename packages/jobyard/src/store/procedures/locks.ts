import type { Scope } from '../contract.ts'
import { all, type Dialect, execute, idList, postgresDialect, type Steps, sql } from '../sql.ts'
import type { RunCore } from './run-core.ts'

/*
 * The order in which every procedure takes its locks on PostgreSQL, so that two of them never wait for each other in a ring:
 *
 *     instance -> triggers -> occurrences of schedules -> admission -> runs -> jobs -> all the rest (places, messages)
 *
 * and rows of one table by their ids. Refusals, which stand among the occurrences, are written last: by whoever holds
 * their job, and under times that no schedule has. It is the order in which most work comes by itself: tasks end, with them a run,
 * and that moves the queue of its job and begins runs of others. What goes the other way round, from a job to its
 * runs (a newer run replaces older ones, a job is changed or deleted, a queued run is released), takes what it will
 * need beforehand, by the functions below. A run that came about in between is locked without waiting: where another
 * transaction has it, this one fails at once and is begun anew. SQLite has one writer and needs none of this.
 */

const admission = sql(
  (d) => `select pg_advisory_xact_lock(hashtextextended(id, 0)) from (select id from job
    where id in ${d.ids} and policy::jsonb->>'overlap' = 'replace'
    order by id) as replacing_`,
)
const replaceable = sql(
  (d) => `select id from run where finished_at is null and job_id in (select id from job
      where id in ${d.ids} and policy::jsonb->>'overlap' = 'replace')
    order by id${d.forUpdate}`,
)

/**
 * For new runs: locks the unfinished runs of these jobs that they will replace by their jobs' overlap rules. Whoever does
 * so comes by one at a time, so that none finds a run of another in between.
 */
export function* lockReplaced(scope: Scope, jobIds: Iterable<string>): Steps<void> {
  if (scope.dialect.forUpdate === '') return
  const ids = idList(jobIds)
  if ((yield* all(admission, ids)).length > 0) yield* execute(replaceable, ids)
}

const lockedJobs = sql((d) => `select id from job where id in ${d.ids} order by id${d.forUpdate}`)

/** Locks jobs: nobody else changes them, writes runs of theirs, or releases one of their queue. */
export function* lockJobs(scope: Scope, jobIds: Iterable<string>): Steps<void> {
  if (scope.dialect.forUpdate !== '') yield* execute(lockedJobs, idList(jobIds))
}

const aroundText = (lock: string) => (d: Dialect) =>
  `select id from job
    where id in ${d.ids}
      or id in (select job_id from job_trigger where after_job_id in ${d.ids})
      or id in (select on_failure.id from job as failing
        cross join lateral jsonb_array_elements_text(failing.policy::jsonb->'onFailure') as on_failure(id)
        where failing.id in ${d.ids})
    order by id${lock}`
const around = sql(aroundText(postgresDialect.forUpdate))
const aroundNow = sql(aroundText(postgresDialect.forUpdateNow))

/**
 * For ended runs: locks their jobs and those of which their end begins runs, all at once. `how`: `now`, without waiting,
 * where jobs are held already, which may come later in the order than these.
 */
export function* lockAround(scope: Scope, ended: readonly RunCore[], how: 'wait' | 'now'): Steps<void> {
  if (scope.dialect.forUpdate === '') return
  const jobIds = idList(ended.map(({ jobId }) => jobId))
  const failed = ended.filter(({ state }) => state === 'failed').map(({ jobId }) => jobId)
  yield* execute(how === 'wait' ? around : aroundNow, jobIds, jobIds, idList(failed))
}

const triggersAround = sql(
  (d) => `select id from job_trigger where job_id = ? or after_job_id = ? order by id${d.forUpdate}`,
)
const unfinishedRuns = sql(
  (d) => `select id from run where job_id = ? and finished_at is null order by id${d.forUpdate}`,
)
const placedRuns = sql(
  (d) => `select id from run where job_id = ? and finished_at is null and why = 'continuous' order by id${d.forUpdate}`,
)

/** For a change of a job, or its end: locks its triggers and those of its runs that will be stopped, but not yet itself. */
export function* lockBelow(scope: Scope, jobId: string, runs: 'all' | 'continuous'): Steps<void> {
  if (scope.dialect.forUpdate === '') return
  yield* execute(triggersAround, jobId, jobId)
  yield* execute(runs === 'all' ? unfinishedRuns : placedRuns, jobId)
}
