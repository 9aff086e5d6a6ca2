import type { JobRow, RunRow, Why } from '../../domain/model.ts'
import { NO_TASKS } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { all, execute, forEachRow, insertEach, type Steps, sql, updateEach } from '../sql.ts'
import type { Actor } from './audit.ts'
import { admit, type JobFacts, readJobs, readTaken, refusal } from './admission.ts'

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
  /** The person who asks for it: that goes on record. Absent: something else does, such as a schedule. */
  readonly actor?: Actor
  /** True: the outcome brings the run as it was written, for somebody who wants to see it at once. */
  readonly show?: boolean
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
      readonly run?: RunRow
    }
  | {
      readonly ok: false
      readonly jobId: string
      readonly code: 'unknown' | 'halted' | 'disabled' | 'refused' | 'skipped' | 'taken'
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
  /** The jobs as they were read, by their ids. */
  readonly jobs: ReadonlyMap<string, JobFacts>
}

const countRuns = updateEach('job', { id: 'text' }, { runCount: 'int' })
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
  const jobs = yield* readJobs(scope, requests)
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
    const state = run.owner === null ? 'pending' : 'running'
    return { ok: true, id, jobId, number, queued, state, ...(request.show === true ? { run } : {}) }
  })
  // Read before the new rows are there, so that a run never replaces itself.
  const older = yield* readLive(replacing)
  // Of several in one go only the newest is to run.
  const newest = new Map(runs.map(({ jobId, id }) => [jobId, id]))
  const newer = runs.filter(({ jobId, id }) => replacing.has(jobId) && newest.get(jobId) !== id)
  const replaced = [...older, ...newer.map(({ id }) => id)]
  if (rows.length > 0) yield* writeRows(scope, rows, jobs, requests)
  const claimed = runs.filter(({ owner }) => owner !== null)
  const claimedJobs = new Set(claimed.map(({ jobId }) => jobId))
  const jobRows = [...jobs.values()].flatMap(({ job }) => (claimedJobs.has(job.id) ? [job] : []))
  return { outcomes, replaced, claimed: { runs: claimed, jobs: jobRows }, jobs }
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
