import type { Policy } from '../../domain/model.ts'
import { isKeptByLog, keptRuns } from '../../domain/retention.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, idList, type Steps, sql } from '../sql.ts'
import { dropForgotten, dropPlaced, logEndOf } from './continuous-runs.ts'
import { firstIdAt } from './page-runs.ts'
import { amountOf } from './steering.ts'

/**
 * Occurrences on record per job that are kept: the newest, and besides all of the last day in milliseconds. As long as
 * one is on record it makes no second run, so the clock may be put back by as much. They are at most one a second; the
 * refusals that stand among them, at no whole second, make no run, and are kept by their number alone.
 */
const KEPT_OCCURRENCES = 1000
const KEPT_OCCURRENCES_MS = 86_400_000
/** Milliseconds that entries of the audit log are kept: one year. */
const KEPT_AUDIT_MS = 365 * 86_400_000
/**
 * Entries of the audit log per job that say who started its runs: the newest. Programs start runs by the thousand, and a
 * year of that would be without a bound; of all else there is no more than people and deployments do.
 */
const KEPT_STARTS = 1000
/** Milliseconds that instances which are gone are kept: a week. */
const KEPT_GONE_MS = 7 * 86_400_000
/** Runs, tasks and other rows deleted in one transaction at the most, so that pruning never holds the database for long. */
const RUNS_AT_ONCE = 200
const TASKS_AT_ONCE = 1000
const ROWS_AT_ONCE = 500

const jobFacts = sql(
  `select policy, deleted_at as "deletedAt", case when type = 'continuous' then null else ${amountOf('history')} end as history,
      ${logEndOf('job.id')} as "logEnd",
      case when exists (select 1 from continuous_run where job_id = job.id) then 1 else 0 end as placed
    from job where id = ?`,
)
// How many there are is known without counting them: all that ever were, but for those that were deleted and the
// unfinished ones. In the statement of the list, because both must be of the same moment.
const oldestEnds = sql(
  `select id, finished_at as "finishedAt", n_completed + n_failed + n_stopped as tasks,
      (select log_end from continuous_run where continuous_run.job_id = run.job_id and run_id = run.id) as "logEnd",
      (select job.run_count - job.pruned_count - (select count(*) from run as live
        where live.job_id = job.id and live.finished_at is null) from job where job.id = ?) as finished
    from run where job_id = ? and finished_at is not null order by finished_at, id limit ${RUNS_AT_ONCE}`,
)
const tasksOf = sql((d) => `select id from task where run_id in ${d.ids} limit ${TASKS_AT_ONCE}`)
const trashOutput = sql(
  (d) => `insert into output_trash (task_id) select id from ${d.ids} as old_ where true
    on conflict do nothing`,
)
const dropTasks = sql((d) => `delete from task where id in ${d.ids}`)
const withoutTasks = sql(
  (d) => `select id from ${d.ids} as old_
    where not exists (select 1 from task where task.run_id = old_.id)`,
)
const dropPayloads = sql((d) => `delete from payload where run_id in ${d.ids}`)
const dropRuns = sql((d) => `delete from run where id in ${d.ids} returning id`)
const countPruned = sql('update job set pruned_count = pruned_count + ? where id = ?')
const dropOccurrences = sql(
  `delete from occurrence where job_id = ? and due in (
      select due from occurrence where job_id = ? and (due < ? or due % 1000 <> 0) and due < (
        select due from occurrence where job_id = ? order by due desc limit 1 offset ${KEPT_OCCURRENCES - 1})
      order by due limit ${ROWS_AT_ONCE}) returning due`,
)
const dropStarts = sql(
  `delete from audit where id in (
      select id from audit where job_id = ? and id < (
        select id from audit where job_id = ? order by id desc limit 1 offset ${KEPT_STARTS - 1})
      order by id limit ${ROWS_AT_ONCE}) returning id`,
)

interface EndedRun {
  readonly id: string
  readonly finishedAt: number
  /** Its targets; there may be more attempts. */
  readonly tasks: number
  /** How many finished runs the job has. */
  readonly finished: number
  /** How long its job's log was with it; null: it has none, or nobody knows. */
  readonly logEnd: number | null
}

/** What is read of a job whose history is pruned. */
interface PrunedJob {
  readonly policy: string
  readonly deletedAt: number | null
  readonly history: number | null
  /** How long its log is; null: it has none. */
  readonly logEnd: number | null
  /** 1 when it has runs in a log. */
  readonly placed: number
}

/**
 * Deletes what a job's retention does not keep, as `runsToDelete` of the domain has it: by the runs' ends. Bounded by
 * runs and by tasks, so a run with very many tasks loses them in several turns and goes with the last. Of its occurrences,
 * and of who started its runs, only so many stay on record. Answers whether there is more.
 */
export function* pruneJob(
  { jobId, at }: { readonly jobId: string; readonly at: number },
  { slot }: Scope,
): Steps<{ readonly deleted: number; readonly more: boolean }> {
  const job = yield* first<PrunedJob>(jobFacts, slot, jobId)
  if (job === undefined) return { deleted: 0, more: false }
  const policy = JSON.parse(job.policy) as Policy
  const keepRuns = keptRuns(policy, job.history)
  const { logEnd } = job
  const limits =
    job.deletedAt === null ? { ...policy, keepRuns, logEnd } : { keepRuns: 0, keepAgeMs: null, logEnd: null }
  const oldest = yield* all<EndedRun>(oldestEnds, jobId, jobId)
  const wanted = oldest.filter((run, index) => mustGo(run, index, limits, at))
  const chosen = withinBound(wanted)
  const deleted = yield* dropRunRows(jobId, chosen)
  const passed = yield* all(dropOccurrences, jobId, jobId, at - KEPT_OCCURRENCES_MS, jobId)
  const starts = yield* all(dropStarts, jobId, jobId)
  const forgotten = job.placed === 1 && (yield* dropForgotten(jobId))
  const isFull = [passed, starts].some(({ length }) => length === ROWS_AT_ONCE)
  const more = deleted < wanted.length || wanted.length === RUNS_AT_ONCE || isFull || forgotten
  if (job.deletedAt === null || more) return { deleted, more }
  return { deleted, more: yield* forgetJob(jobId) }
}

/** The rule of `runsToDelete`, for the run that has so many earlier ends than its own. */
function mustGo(
  { finishedAt, finished, logEnd: ownEnd }: EndedRun,
  earlier: number,
  { keepRuns, keepAgeMs, logEnd }: Pick<Policy, 'keepRuns' | 'keepAgeMs'> & Pick<PrunedJob, 'logEnd'>,
  at: number,
): boolean {
  const later = finished - 1 - earlier
  const newerLog = logEnd === null || ownEnd === null ? null : logEnd - ownEnd
  return (
    (later >= keepRuns && !isKeptByLog(keepRuns, newerLog)) ||
    (later > 0 && keepAgeMs !== null && finishedAt < at - keepAgeMs)
  )
}

/** As many as have few enough tasks together, one at the least. */
function withinBound(runs: readonly EndedRun[]): EndedRun[] {
  let tasks = 0
  return runs.filter((run, index) => {
    tasks += run.tasks
    return index === 0 || tasks <= TASKS_AT_ONCE
  })
}

/** Deletes tasks up to the bound, and those of the runs that have none left. Answers how many runs went. */
function* dropRunRows(jobId: string, runs: readonly EndedRun[]): Steps<number> {
  if (runs.length === 0) return 0
  const list = idList(runs.map(({ id }) => id))
  const tasks = idList((yield* all<{ id: string }>(tasksOf, list)).map(({ id }) => id))
  yield* execute(trashOutput, tasks)
  yield* execute(dropTasks, tasks)
  const empty = idList((yield* all<{ id: string }>(withoutTasks, list)).map(({ id }) => id))
  yield* execute(dropPayloads, empty)
  const gone = yield* all<{ id: string }>(dropRuns, empty)
  if (gone.length === 0) return 0
  yield* dropPlaced(
    jobId,
    gone.map(({ id }) => id),
  )
  yield* execute(countPruned, gone.length, jobId)
  return gone.length
}

const anyRun = sql('select id from run where job_id = ? limit 1')
const forgetOccurrences = sql(
  `delete from occurrence where job_id = ? and due in (
      select due from occurrence where job_id = ? order by due limit ${ROWS_AT_ONCE}) returning due`,
)
const forgetting = [
  sql('delete from job_package where job_id = ?'),
  sql('delete from continuous where job_id = ?'),
  sql('delete from job_trigger where job_id = ?'),
  sql(`delete from meta where name = 'job-log:' || cast(? as text)`),
  sql('delete from job where id = ?'),
]

/** Deletes the last of a deleted job, once none of its runs is left. Answers whether there is more. */
function* forgetJob(jobId: string): Steps<boolean> {
  if ((yield* first(anyRun, jobId)) !== undefined) return false
  if ((yield* all(forgetOccurrences, jobId, jobId)).length === ROWS_AT_ONCE) return true
  for (const query of forgetting) yield* execute(query, jobId)
  return false
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

const dropTrash = sql((d) => `delete from output_trash where task_id in ${d.ids}`)

/** Forgets tasks whose output is deleted. */
export function* emptyTrash({ taskIds }: { readonly taskIds: readonly string[] }, _scope: Scope): Steps<void> {
  yield* execute(dropTrash, idList(taskIds))
}

const oldAudit = sql(
  `delete from audit where id in (select id from audit where id < ? order by id limit ${ROWS_AT_ONCE}) returning id`,
)
const oldKeys = sql(
  `delete from idempotency where (actor, name) in (
      select actor, name from idempotency where expires_at < ? limit ${ROWS_AT_ONCE}) returning name`,
)
const oldInstances = sql(
  `delete from instance where id in (
      select id from instance where state = 'gone' and seen_at < ? limit ${ROWS_AT_ONCE}) returning id`,
)

/**
 * Deletes audit entries older than a year, idempotency keys that have run out, and instances that went more than a week
 * ago; of each up to a bound. Answers whether there is more.
 */
export function* pruneRecords({ at }: { readonly at: number }, _scope: Scope): Steps<{ readonly more: boolean }> {
  // Ids begin with the time, so the oldest entries are the first ones: no index by time is needed.
  const audit = yield* all(oldAudit, firstIdAt(at - KEPT_AUDIT_MS))
  const keys = yield* all(oldKeys, at)
  const instances = yield* all(oldInstances, at - KEPT_GONE_MS)
  return { more: [audit, keys, instances].some(({ length }) => length === ROWS_AT_ONCE) }
}
