import type { JobRow, RunRow, TaskRow } from '../../domain/model.ts'
import type { Scope } from '../contract.ts'
import { all, first, forEachRow, idList, type Steps, sql, updateEach } from '../sql.ts'
import { JOB_COLUMNS, type JobRecord, RUN_COLUMNS, type RunRecord, toJob, toRun } from './entities.ts'
import { mayTake } from './instances.ts'
import { readFewPending } from './pending-tasks.ts'

/** What an instance takes on. */
export interface Claimed {
  readonly runs: RunRow[]
  /** The jobs of these runs, each once. */
  readonly jobs: JobRow[]
  /**
   * Tasks that an earlier owner, or an earlier attempt, left to be done: all of a run or, where there are many, none. Those
   * are to be read page by page.
   */
  readonly tasks: TaskRow[]
  /** When the next run falls due that nobody has taken, epoch milliseconds; null when there is none. */
  readonly nextDue: number | null
}

const dueRuns = sql(
  (d) => `select ${RUN_COLUMNS} from run
    where dispatch_at is not null and dispatch_at <= ? order by dispatch_at, id limit ?${d.skipLocked}`,
)
const namedRuns = sql(
  (d) => `select ${RUN_COLUMNS} from run
    where dispatch_at is not null and dispatch_at <= ?
      and id in ${d.ids} order by id limit ?${d.skipLocked}`,
)
const takeRuns = updateEach(
  'run',
  { id: 'text' },
  {
    state: 'text',
    owner: 'text',
    fence: 'int',
    dispatchAt: 'int',
    startedAt: 'int',
    jobVersion: 'int',
    packageHash: 'text',
  },
)
const jobsOf = sql((d) => `select ${JOB_COLUMNS} from job where id in ${d.ids}`)
const nextDue = sql('select min(dispatch_at) as due from run where dispatch_at is not null')

/** Takes due runs for an instance: from here on it alone may change them, under the run's new fence. */
export function* claimRuns(
  input: { readonly owner: string; readonly limit: number; readonly runIds?: readonly string[]; readonly at: number },
  _scope: Scope,
): Steps<Claimed> {
  const { owner, limit, runIds, at } = input
  if (!(yield* mayTake(owner))) return { runs: [], jobs: [], tasks: [], nextDue: null }
  const due =
    runIds === undefined
      ? yield* all<RunRecord>(dueRuns, at, limit)
      : yield* all<RunRecord>(namedRuns, at, idList(runIds), limit)
  const claimed: Claimed = yield* take(due, owner, at)
  const next = yield* first<{ due: number | null }>(nextDue)
  return { ...claimed, nextDue: next?.due ?? null }
}

/** Takes these runs, which the caller has locked. */
export function* take(
  due: readonly RunRecord[],
  owner: string,
  at: number,
): Steps<Omit<Claimed, 'nextDue'> & { nextDue: null }> {
  if (due.length === 0) return { runs: [], jobs: [], tasks: [], nextDue: null }
  const jobs = yield* readJobs(due)
  for (const run of due) {
    const job = jobs.get(run.jobId)
    if (job === undefined) throw new Error(`Run ${run.id} belongs to no job.`)
    // A run that goes on after a crash keeps the package that it began with.
    if (run.fence === 0) run.packageHash = job.packageHash
    run.jobVersion ??= job.version
    run.startedAt ??= at
    run.state = 'running'
    run.owner = owner
    run.fence++
    run.dispatchAt = null
  }
  yield* forEachRow(takeRuns, due)
  const tasks = yield* readFewPending(due)
  return { runs: due.map(toRun), jobs: [...jobs.values()], tasks, nextDue: null }
}

function* readJobs(runs: readonly RunRecord[]): Steps<Map<string, JobRow>> {
  const ids = idList(runs.map(({ jobId }) => jobId))
  const rows = yield* all<JobRecord>(jobsOf, ids)
  return new Map(rows.map((row) => [row.id, toJob(row)]))
}
