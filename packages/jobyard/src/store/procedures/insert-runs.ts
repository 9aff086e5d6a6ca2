import type { JobRow, RunRow, Why } from '../../domain/model.ts'
import { decideOverlap } from '../../domain/overlap.ts'
import { NO_TASKS } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { all, execute, forEachRow, insertEach, type Steps, sql, updateEach } from '../sql.ts'
import { JOB_COLUMNS, type JobRecord, toJob } from './entities.ts'

/** A run that somebody or something asks for. */
export interface RunRequest {
  readonly id: string
  readonly jobId: string
  readonly why: Why
  readonly detail: Readonly<Record<string, unknown>>
  readonly args: readonly string[]
  /** A body that the caller sent along, kept until the run is deleted. */
  readonly payload?: { readonly contentType: string | null; readonly body: Uint8Array }
  /** The occurrence that it is for. */
  readonly scheduledFor?: number
  /** When it is to be dispatched, epoch milliseconds; absent: at once. */
  readonly dispatchAt?: number
  /**
   * The instance that takes it at once, without the way through dispatch. With `exclusive`, for runs that belong to a
   * place: at most one unfinished run has a given one, and the job's overlap rule does not count.
   */
  readonly claim?: { readonly owner: string; readonly exclusive?: string }
}

/** What became of a request. */
export type RequestOutcome =
  | {
      readonly ok: true
      readonly id: string
      readonly jobId: string
      readonly number: number
      readonly state: 'pending' | 'running'
      readonly queued: boolean
    }
  | {
      readonly ok: false
      readonly jobId: string
      readonly code: 'unknown' | 'disabled' | 'refused' | 'skipped' | 'taken'
      readonly text: string
    }

/** What writing runs did. */
export interface Inserted {
  /** What became of each request, in its place. */
  readonly outcomes: RequestOutcome[]
  /** Unfinished runs that a new one replaces; they must be stopped. */
  readonly replaced: string[]
  /** The runs that an instance took at once, with their jobs. */
  readonly claimed: { readonly runs: RunRow[]; readonly jobs: JobRow[] }
}

interface JobFacts {
  readonly job: JobRow
  /** 1 when the job's kind passes the verdict on its runs itself. */
  readonly judged: number
  runCount: number
  /** Unfinished runs, those that wait in the queue apart. */
  live: number
  queue: number
}

const lockJobs = sql(
  (d) => `select ${JOB_COLUMNS}, judged, run_count as "runCount" from job
    where deleted_at is null and id in (select id from ${d.rows({ id: 'text' })} as wanted_) order by id${d.forUpdate}`,
)
const countLive = sql(
  (d) => `select job_id as "jobId", sum(1 - queued) as live, sum(queued) as queue from run
    where finished_at is null and job_id in (select id from ${d.rows({ id: 'text' })} as wanted_) group by job_id`,
)
const countRuns = updateEach('job', { id: 'text' }, { runCount: 'int' })
const findExclusive = sql(
  (d) => `select exclusive from run
    where finished_at is null and exclusive in (select id from ${d.rows({ id: 'text' })} as wanted_)`,
)
const insertRows = insertEach('run', {
  id: 'text',
  jobId: 'text',
  collectionId: 'text',
  kind: 'text',
  number: 'int',
  why: 'text',
  detail: 'text',
  args: 'text',
  state: 'text',
  judged: 'int',
  owner: 'text',
  fence: 'int',
  dispatchAt: 'int',
  queued: 'int',
  exclusive: 'text',
  scheduledFor: 'int',
  createdAt: 'int',
  startedAt: 'int',
  jobVersion: 'int',
  packageHash: 'text',
})
const insertPayload = sql('insert into payload (run_id, content_type, body) values (?, ?, ?)')
const liveRunIds = sql('select id from run where job_id = ? and finished_at is null order by id')

/** Writes the runs that the jobs' overlap rules allow, with their messages. */
export function* insertRuns(scope: Scope, requests: readonly RunRequest[], at: number): Steps<Inserted> {
  const jobs = yield* readJobs(requests)
  const taken = yield* readTaken(requests)
  const runs: RunRow[] = []
  const rows: RunInsert[] = []
  const replacing = new Set<string>()
  const outcomes = requests.map((request): RequestOutcome => {
    const facts = jobs.get(request.jobId)
    const admission = admit(request, facts, taken)
    if (facts === undefined || 'code' in admission) return { ok: false, jobId: request.jobId, ...refusal(admission) }
    if (admission.replace) replacing.add(facts.job.id)
    const run = newRun(request, facts, admission.queued, at)
    runs.push(run)
    rows.push(toRow(run, facts, request))
    const { id, jobId, number, queued } = run
    return { ok: true, id, jobId, number, queued, state: run.owner === null ? 'pending' : 'running' }
  })
  // Read before the new rows are there, so that a run never replaces itself.
  const older = yield* readLive(replacing)
  // Of several in one go only the newest is to run.
  const newer = runs.filter(
    ({ jobId }, index) => replacing.has(jobId) && runs.some((run, i) => i > index && run.jobId === jobId),
  )
  const replaced = [...older, ...newer.map(({ id }) => id)]
  if (rows.length > 0) yield* writeRows(scope, rows, jobs, requests)
  const claimed = runs.filter(({ owner }) => owner !== null)
  const claimedJobs = new Set(claimed.map(({ jobId }) => jobId))
  const jobRows = [...jobs.values()].flatMap(({ job }) => (claimedJobs.has(job.id) ? [job] : []))
  return { outcomes, replaced, claimed: { runs: claimed, jobs: jobRows } }
}

function* readJobs(requests: readonly RunRequest[]): Steps<Map<string, JobFacts>> {
  const ids = JSON.stringify([...new Set(requests.map(({ jobId }) => jobId))].map((id) => ({ id })))
  const rows = yield* all<JobRecord & { judged: number; runCount: number }>(lockJobs, ids)
  const jobs = new Map<string, JobFacts>()
  for (const { judged, runCount, ...record } of rows) {
    jobs.set(record.id, { job: toJob(record), judged, runCount, live: 0, queue: 0 })
  }
  const bounded = [...jobs.values()]
    .filter(({ job }) => job.policy.overlap !== 'allow')
    .map(({ job }) => ({ id: job.id }))
  if (bounded.length === 0) return jobs
  const counts = yield* all<{ jobId: string; live: number; queue: number }>(countLive, JSON.stringify(bounded))
  for (const { jobId, live, queue } of counts) {
    const facts = jobs.get(jobId)
    if (facts !== undefined) Object.assign(facts, { live, queue })
  }
  return jobs
}

function* readTaken(requests: readonly RunRequest[]): Steps<Set<string>> {
  const wanted = requests.flatMap(({ claim }) => (claim?.exclusive === undefined ? [] : [{ id: claim.exclusive }]))
  if (wanted.length === 0) return new Set()
  const rows = yield* all<{ exclusive: string }>(findExclusive, JSON.stringify(wanted))
  return new Set(rows.map(({ exclusive }) => exclusive))
}

type Admission = { readonly queued: boolean; readonly replace: boolean } | Refusal
interface Refusal {
  readonly code: 'unknown' | 'disabled' | 'refused' | 'skipped' | 'taken'
  readonly text: string
}

function refusal(admission: Admission): Refusal {
  return 'code' in admission ? admission : { code: 'unknown', text: 'There is no such job.' }
}

/** Whether a run may be written, given those that are there; counts it in when it may. */
function admit({ why, claim }: RunRequest, facts: JobFacts | undefined, taken: Set<string>): Admission {
  if (facts === undefined) return { code: 'unknown', text: 'There is no such job.' }
  const { job } = facts
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

function newRun(request: RunRequest, facts: JobFacts, queued: boolean, at: number): RunRow {
  const { job } = facts
  const owner = queued ? null : (request.claim?.owner ?? null)
  const claimed = owner !== null
  return {
    id: request.id,
    jobId: job.id,
    collectionId: job.collectionId,
    kind: job.kind,
    number: ++facts.runCount,
    why: request.why,
    detail: request.detail,
    args: request.args,
    packageHash: claimed ? job.packageHash : null,
    jobVersion: claimed ? job.version : null,
    state: claimed ? 'running' : 'pending',
    wanted: 'run',
    planClosed: false,
    cursor: null,
    counts: NO_TASKS,
    owner,
    fence: claimed ? 1 : 0,
    crashes: 0,
    dispatchAt: claimed || queued ? null : (request.dispatchAt ?? at),
    queued,
    scheduledFor: request.scheduledFor ?? null,
    createdAt: at,
    startedAt: claimed ? at : null,
    finishedAt: null,
    reasonCode: null,
    reasonText: null,
    exitCode: null,
    cpuMs: null,
    peakBytes: null,
  }
}

type RunInsert = Omit<RunRow, 'detail' | 'args' | 'queued'> &
  Record<'detail' | 'args', string> &
  Record<'queued' | 'judged', number> & {
    readonly exclusive: string | null
  }

function toRow(run: RunRow, { judged }: JobFacts, { claim }: RunRequest): RunInsert {
  const { detail, args, queued } = run
  return {
    ...run,
    detail: JSON.stringify(detail),
    args: args.length === 0 ? '[]' : JSON.stringify(args),
    queued: queued ? 1 : 0,
    judged,
    exclusive: claim?.exclusive ?? null,
  }
}

function* readLive(jobIds: ReadonlySet<string>): Steps<string[]> {
  const ids: string[] = []
  for (const jobId of jobIds) {
    const rows = yield* all<{ id: string }>(liveRunIds, jobId)
    ids.push(...rows.map(({ id }) => id))
  }
  return ids
}

function* writeRows(
  scope: Scope,
  rows: readonly RunInsert[],
  jobs: ReadonlyMap<string, JobFacts>,
  requests: readonly RunRequest[],
): Steps<void> {
  yield* forEachRow(insertRows, rows)
  const counts = [...jobs.values()].map(({ job, runCount }) => ({ id: job.id, runCount }))
  yield* forEachRow(countRuns, counts)
  const written = new Set(rows.map(({ id }) => id))
  for (const { id, payload } of requests) {
    if (payload === undefined || !written.has(id)) continue
    yield* execute(insertPayload, id, payload.contentType, payload.body)
  }
  yield* scope.send(rows.flatMap(({ id, dispatchAt }) => (dispatchAt === null ? [] : [{ runId: id, at: dispatchAt }])))
}
