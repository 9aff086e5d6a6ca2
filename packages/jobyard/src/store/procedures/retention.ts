import type { Policy } from '../../domain/model.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'

/** Occurrences on record per job that are kept, the newest. */
const KEPT_OCCURRENCES = 1000
/** Milliseconds that entries of the audit log are kept: one year. */
const KEPT_AUDIT_MS = 365 * 86_400_000
/** Rows deleted in one transaction at the most, so that pruning never holds the database for long. */
const PRUNE_AT_ONCE = 500

const jobFacts = sql('select policy, deleted_at as "deletedAt" from job where id = ?')
const beyondCount = sql(
  `select id from run where job_id = ? and finished_at is not null order by id desc limit ? offset ?`,
)
// The newest run stays whatever its age: people want to see how a job that runs once a year went.
const beyondAge = sql(
  `select id from run where job_id = ? and finished_at is not null and finished_at < ?
      and id < (select max(id) from run where job_id = ? and finished_at is not null) order by id limit ?`,
)
const trashOutput = sql(
  (d) => `insert into output_trash (task_id) select id from task
    where run_id in (select id from ${d.rows({ id: 'text' })} as old_) on conflict do nothing`,
)
const dropTasks = sql((d) => `delete from task where run_id in (select id from ${d.rows({ id: 'text' })} as old_)`)
const dropPayloads = sql(
  (d) => `delete from payload where run_id in (select id from ${d.rows({ id: 'text' })} as old_)`,
)
const dropRuns = sql((d) => `delete from run where id in (select id from ${d.rows({ id: 'text' })} as old_)`)
const dropOccurrences = sql(
  `delete from occurrence where job_id = ? and due < (
      select due from occurrence where job_id = ? order by due desc limit 1 offset ${KEPT_OCCURRENCES})`,
)

/** Deletes what a job's retention does not keep, up to a bound. Answers whether there is more. */
export function* pruneJob(
  { jobId, at }: { readonly jobId: string; readonly at: number },
  _scope: Scope,
): Steps<{ readonly deleted: number; readonly more: boolean }> {
  const job = yield* first<{ policy: string; deletedAt: number | null }>(jobFacts, jobId)
  if (job === undefined) return { deleted: 0, more: false }
  const { keepRuns, keepAgeMs } = JSON.parse(job.policy) as Policy
  const keep = job.deletedAt === null ? keepRuns : 0
  const excess = yield* all<{ id: string }>(beyondCount, jobId, PRUNE_AT_ONCE, keep)
  const aged =
    keepAgeMs === null ? [] : yield* all<{ id: string }>(beyondAge, jobId, at - keepAgeMs, jobId, PRUNE_AT_ONCE)
  const ids = [...new Set([...excess, ...aged].map(({ id }) => id))]
  yield* dropRunRows(ids)
  yield* execute(dropOccurrences, jobId, jobId)
  const more = ids.length >= PRUNE_AT_ONCE
  if (job.deletedAt !== null && !more) yield* forgetJob(jobId)
  return { deleted: ids.length, more }
}

function* dropRunRows(ids: readonly string[]): Steps<void> {
  if (ids.length === 0) return
  const list = JSON.stringify(ids.map((id) => ({ id })))
  for (const query of [trashOutput, dropTasks, dropPayloads, dropRuns]) yield* execute(query, list)
}

const unfinishedRun = sql('select id from run where job_id = ? limit 1')
const forgetting = [
  sql('delete from occurrence where job_id = ?'),
  sql('delete from job_package where job_id = ?'),
  sql('delete from continuous where job_id = ?'),
  sql('delete from job_trigger where job_id = ?'),
  sql('delete from job where id = ?'),
]

/** Deletes the last of a deleted job, once none of its runs is left. */
function* forgetJob(jobId: string): Steps<void> {
  if ((yield* first(unfinishedRun, jobId)) !== undefined) return
  for (const query of forgetting) yield* execute(query, jobId)
}

const jobsWithHistory = sql('select id from job where id > ? order by id limit ?')

/** Ids of jobs after a given one, deleted ones too, for whoever goes through them all. */
export function* listJobIds({ after, limit }: { readonly after: string; readonly limit: number }): Steps<string[]> {
  return (yield* all<{ id: string }>(jobsWithHistory, after, limit)).map(({ id }) => id)
}

const readTrash = sql('select task_id as "taskId" from output_trash limit ?')

/** Tasks whose output is to be deleted. */
export function* listTrash({ limit }: { readonly limit: number }): Steps<string[]> {
  return (yield* all<{ taskId: string }>(readTrash, limit)).map(({ taskId }) => taskId)
}

const dropTrash = sql(
  (d) => `delete from output_trash where task_id in (select id from ${d.rows({ id: 'text' })} as old_)`,
)

/** Forgets tasks whose output is deleted. */
export function* emptyTrash({ taskIds }: { readonly taskIds: readonly string[] }, _scope: Scope): Steps<void> {
  yield* execute(dropTrash, JSON.stringify(taskIds.map((id) => ({ id }))))
}

const oldAudit = sql(
  `delete from audit where id in (select id from audit where time < ? order by id limit ${PRUNE_AT_ONCE})`,
)
const oldKeys = sql('delete from idempotency where expires_at < ?')

/** Deletes audit entries older than a year and idempotency keys that have run out. */
export function* pruneRecords({ at }: { readonly at: number }, _scope: Scope): Steps<void> {
  yield* execute(oldAudit, at - KEPT_AUDIT_MS)
  yield* execute(oldKeys, at)
}
