import type { JobRow, Why } from '../../domain/model.ts'
import { decideOverlap } from '../../domain/overlap.ts'
import type { Scope } from '../contract.ts'
import { all, idList, type Steps, sql } from '../sql.ts'
import { JOB_COLUMNS, type JobRecord, toJob } from './entities.ts'
import { flagOn } from './steering.ts'

/** What of a request for a run counts for its admission. */
export interface Applicant {
  readonly jobId: string
  readonly why: Why
  readonly claim?: { readonly exclusive?: string }
}

/** A job whose runs are to be written, locked, with what it has unfinished. */
export interface JobFacts {
  readonly job: JobRow
  /** 1 when the job's kind passes the verdict on its runs itself. */
  readonly judged: number
  /** True while the settings of its collection let nothing start. */
  readonly halted: boolean
  runCount: number
  /** Unfinished runs, those that wait in the queue apart. */
  live: number
  queue: number
}

const lockJobs = sql(
  (
    d,
  ) => `select ${JOB_COLUMNS}, judged, run_count as "runCount", case when ${flagOn('stopped')} then 1 else 0 end as halted
    from job where deleted_at is null and id in ${d.ids} order by id${d.forUpdate}`,
)
const countLive = sql(
  (d) => `select job_id as "jobId", sum(1 - queued) as live, sum(queued) as queue from run
    where finished_at is null and job_id in ${d.ids} group by job_id`,
)
const findExclusive = sql(
  (d) => `select exclusive from run
    where finished_at is null and exclusive in ${d.ids}`,
)

/** Locks and reads the jobs of requests; unknown and deleted ones are absent. */
export function* readJobs({ slot }: Scope, requests: readonly Applicant[]): Steps<Map<string, JobFacts>> {
  const ids = idList(requests.map(({ jobId }) => jobId))
  const rows = yield* all<JobRecord & { judged: number; runCount: number; halted: number }>(lockJobs, slot, ids)
  const jobs = new Map<string, JobFacts>()
  for (const { judged, runCount, halted, ...record } of rows) {
    jobs.set(record.id, { job: toJob(record), judged, halted: halted === 1, runCount, live: 0, queue: 0 })
  }
  const bounded = [...jobs.values()].filter(({ job }) => job.policy.overlap !== 'allow').map(({ job }) => job.id)
  if (bounded.length === 0) return jobs
  const counts = yield* all<{ jobId: string; live: number; queue: number }>(countLive, idList(bounded))
  for (const { jobId, live, queue } of counts) {
    const facts = jobs.get(jobId)
    if (facts !== undefined) Object.assign(facts, { live, queue })
  }
  return jobs
}

/** The places of requests that have an unfinished run already. */
export function* readTaken(requests: readonly Applicant[]): Steps<Set<string>> {
  const wanted = requests.flatMap(({ claim }) => (claim?.exclusive === undefined ? [] : [claim.exclusive]))
  if (wanted.length === 0) return new Set()
  const rows = yield* all<{ exclusive: string }>(findExclusive, idList(wanted))
  return new Set(rows.map(({ exclusive }) => exclusive))
}

/** Whether and how a run may be written. */
export type Admission = { readonly queued: boolean; readonly replace: boolean } | Refusal

/** Why a run is not written. */
export interface Refusal {
  readonly code: 'unknown' | 'halted' | 'disabled' | 'refused' | 'skipped' | 'taken'
  readonly text: string
}

/** What Kudu answers, so that scripts which look for it find it. */
const HALTED = 'WebJobs are currently in "stopped" state.'

/** Why a request was not admitted. */
export function refusal(admission: Admission): Refusal {
  return 'code' in admission ? admission : { code: 'unknown', text: 'There is no such job.' }
}

/** Whether a run may be written, given those that are there; counts it in when it may. */
export function admit({ why, claim }: Applicant, facts: JobFacts | undefined, taken: Set<string>): Admission {
  if (facts === undefined) return { code: 'unknown', text: 'There is no such job.' }
  const { job } = facts
  if (facts.halted) return { code: 'halted', text: HALTED }
  const byHand = why === 'manual' || why === 'rerun'
  if (!job.enabled && !byHand) return { code: 'disabled', text: `The job ${job.name} is stopped.` }
  if (claim?.exclusive !== undefined) {
    if (taken.has(claim.exclusive)) return { code: 'taken', text: `The job ${job.name} runs already.` }
    taken.add(claim.exclusive)
    return { queued: false, replace: false }
  }
  const { overlap, queueDepth } = job.policy
  const decision = decideOverlap(overlap, { live: facts.live, queued: facts.queue, queueDepth })
  if (decision.action === 'refuse') return { code: 'refused', text: decision.text }
  if (decision.action === 'skip') return { code: 'skipped', text: decision.text }
  const queued = decision.action === 'queue' || decision.action === 'replace'
  if (queued) facts.queue++
  else facts.live++
  return { queued, replace: decision.action === 'replace' }
}
