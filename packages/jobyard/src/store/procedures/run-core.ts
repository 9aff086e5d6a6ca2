import type { State } from '@jobyard/jobs'
import type { Policy } from '../../domain/model.ts'
import type { Counts, Wanted } from '../../domain/run-state.ts'
import { all, idList, type Steps, sql } from '../sql.ts'

/** The part of a run's row that its state follows from, and that every change of a run goes through. */
export interface RunCore {
  readonly id: string
  readonly jobId: string
  state: State
  wanted: Wanted
  planClosed: number
  cursor: string | null
  /** 1 when the kind passes the verdict itself. */
  readonly judged: number
  owner: string | null
  fence: number
  crashes: number
  dispatchAt: number | null
  queued: number
  readonly exclusive: string | null
  readonly why: string
  readonly number: number
  readonly createdAt: number
  startedAt: number | null
  finishedAt: number | null
  reasonCode: string | null
  reasonText: string | null
  exitCode: number | null
  cpuMs: number | null
  peakBytes: number | null
  nPending: number
  nRunning: number
  nBlocked: number
  nDisconnected: number
  nSuspended: number
  nCompleted: number
  nFailed: number
  nStopped: number
  /** True once something else than the plan and the counts has changed, so that the whole row must be written. */
  touched?: boolean
  /** Bytes that the tasks which end now have printed; nowhere in its row. */
  outputBytes?: number
}

/** The select list of {@link RunCore}. */
export const CORE_COLUMNS = `run.id, run.job_id as "jobId", run.state, run.wanted, run.plan_closed as "planClosed",
  run.cursor, run.judged, run.owner, run.fence, run.crashes, run.dispatch_at as "dispatchAt", run.queued,
  run.exclusive, run.why, run.number, run.created_at as "createdAt", run.started_at as "startedAt",
  run.finished_at as "finishedAt", run.reason_code as "reasonCode", run.reason_text as "reasonText",
  run.exit_code as "exitCode", run.cpu_ms as "cpuMs", run.peak_bytes as "peakBytes",
  run.n_pending as "nPending", run.n_running as "nRunning", run.n_blocked as "nBlocked",
  run.n_disconnected as "nDisconnected", run.n_suspended as "nSuspended", run.n_completed as "nCompleted",
  run.n_failed as "nFailed", run.n_stopped as "nStopped"`

// Locked in the order of their ids, so that two transactions over the same runs never wait for each other in a ring.
const lockRuns = sql(
  (d) => `select ${CORE_COLUMNS} from run
    where run.id in ${d.ids} order by run.id${d.forUpdate}`,
)
const lockRunsNow = sql(
  (d) => `select ${CORE_COLUMNS} from run
    where run.id in ${d.ids} order by run.id${d.forUpdateNow}`,
)

/**
 * Reads runs for a change, by id; unknown ids are absent. `now` is for whoever holds jobs already and by the order of
 * locks (see locks.ts) must not wait for runs any more.
 */
export function* lockCores(ids: Iterable<string>, how: 'wait' | 'now' = 'wait'): Steps<Map<string, RunCore>> {
  const query = how === 'wait' ? lockRuns : lockRunsNow
  const rows = yield* all<RunCore>(query, idList(ids))
  return new Map(rows.map((row) => [row.id, row]))
}

/** The counts of a run as the state function takes them. */
export function countsOf(core: RunCore): Counts {
  return {
    pending: core.nPending,
    running: core.nRunning,
    blocked: core.nBlocked,
    disconnected: core.nDisconnected,
    suspended: core.nSuspended,
    completed: core.nCompleted,
    failed: core.nFailed,
    stopped: core.nStopped,
  }
}

/** The members of {@link RunCore} that the counts are kept in. */
export const COUNT_MEMBERS = {
  pending: 'nPending',
  running: 'nRunning',
  blocked: 'nBlocked',
  disconnected: 'nDisconnected',
  suspended: 'nSuspended',
  completed: 'nCompleted',
  failed: 'nFailed',
  stopped: 'nStopped',
} as const satisfies Record<keyof Counts, keyof RunCore>

/** Counts a task of a state in, or out with -1. */
export function count(core: RunCore, as: keyof Counts, by: 1 | -1): void {
  core[COUNT_MEMBERS[as]] += by
}

/** Who claims to own a run: every change that an owner makes carries this. */
export interface Ownership {
  readonly runId: string
  readonly owner: string
  readonly fence: number
}

/** Whether the owner is still the owner. A stale one must not write. */
export function isOwner<R extends Pick<RunCore, 'owner' | 'fence' | 'finishedAt'>>(
  run: R | undefined,
  { owner, fence }: Ownership,
): run is R {
  return run !== undefined && run.owner === owner && run.fence === fence && run.finishedAt === null
}

/** What is read of the job of a run that ends. */
export interface JobRules {
  readonly name: string
  readonly policy: Policy
}

const rulesOf = sql((d) => `select id, name, policy from job where id in ${d.ids}`)

/** The rules of the jobs of runs, by the jobs' ids. */
export function* readRules(runs: Iterable<RunCore>): Steps<Map<string, JobRules>> {
  const jobIds = idList(Array.from(runs, ({ jobId }) => jobId))
  const rows = yield* all<{ id: string; name: string; policy: string }>(rulesOf, jobIds)
  return new Map(rows.map(({ id, name, policy }) => [id, { name, policy: JSON.parse(policy) }]))
}
