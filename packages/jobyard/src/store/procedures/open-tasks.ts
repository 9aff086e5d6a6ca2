import type { State } from '@jobyard/jobs'
import type { Wanted } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { idList, all, forEachRow, type Steps, sql, updateEach } from '../sql.ts'
import { advance, type Changes } from './advance.ts'
import { isOwner, lockCores, type Ownership } from './run-core.ts'
import { insertTasks, type NewTask, readTaskCores, type TaskCore } from './tasks.ts'

/** Tasks that an owner has planned, and how far its plan has come. */
export interface OpenTasks extends Ownership {
  readonly tasks: readonly {
    readonly id: string
    readonly target: string
    readonly detail: unknown
    readonly start: boolean
  }[]
  readonly cursor: string | null
  readonly planClosed: boolean
}

/**
 * What came of {@link openTasks}, per run: the ids of the tasks that are new, or were so at a first try and are still to
 * be begun or worked on; or `stale` for one who does not own the run any longer, or `unwanted` when the run is to rest or
 * to end.
 */
export interface Opened extends Changes {
  readonly added: (readonly string[] | 'stale' | 'unwanted')[]
}

/** As much of a run's row as planning needs: a third of the columns, at a third of the time. */
interface PlannedRun {
  readonly id: string
  readonly state: State
  readonly wanted: Wanted
  readonly owner: string | null
  readonly fence: number
  readonly finishedAt: number | null
  planClosed: number
  cursor: string | null
  /** Tasks that are new. */
  nPending: number
  nRunning: number
}

const lockPlans = sql(
  (d) => `select id, state, wanted, owner, fence, finished_at as "finishedAt", plan_closed as "planClosed", cursor,
      0 as "nPending", 0 as "nRunning" from run
    where id in ${d.ids} order by id${d.forUpdate}`,
)
const savePlans = updateEach(
  'run',
  { id: 'text' },
  { planClosed: 'int', cursor: 'text' },
  { nPending: 'int', nRunning: 'int' },
)

/** Writes planned tasks before anything is begun for them; those with `start` are running from then on. */
export function* openTasks(
  { items, at }: { readonly items: readonly OpenTasks[]; readonly at: number },
  scope: Scope,
): Steps<Opened> {
  const runs = yield* lockRuns(items)
  const owners = items.map((item) => isOwner(runs.get(item.runId), item))
  const valid = items.filter((item, index) => owners[index] && runs.get(item.runId)?.wanted === 'run')
  const added = yield* write(valid, runs, at)
  const changes = yield* settleWhereNeeded(scope, valid, runs, at)
  const accepted = new Set<OpenTasks>(valid)
  // The answer to a first try may have got lost, and a wish may have come since: what goes on is the owner's to end.
  const unwanted = items.filter((item, index) => owners[index] && !accepted.has(item))
  const there = yield* readOpen(
    unwanted.flatMap(({ tasks }) => tasks.map(({ id }) => id)),
    runs,
  )
  return {
    ...changes,
    added: items.map((item, index) => {
      if (!owners[index]) return 'stale'
      const on = accepted.has(item) ? added : there
      const found = item.tasks.filter(({ id }) => on.has(id)).map(({ id }) => id)
      return accepted.has(item) || found.length > 0 ? found : 'unwanted'
    }),
  }
}

/**
 * Which tasks of these are on record and still to be begun, or being worked on by their run's owner. What has been begun
 * meanwhile and is parked or has ended must not be begun again.
 */
function* readOpen(ids: readonly string[], runs: ReadonlyMap<string, PlannedRun>): Steps<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const tasks = [...(yield* readTaskCores(ids)).values()]
  const isOpen = ({ state, owner, fence, runId }: TaskCore) =>
    state === 'pending' || (owner !== null && fence === runs.get(runId)?.fence)
  return new Set(tasks.filter(isOpen).map(({ id }) => id))
}

function* lockRuns(items: readonly OpenTasks[]): Steps<Map<string, PlannedRun>> {
  const ids = idList(items.map(({ runId }) => runId))
  return new Map((yield* all<PlannedRun>(lockPlans, ids)).map((run) => [run.id, run]))
}

/** Writes the tasks and how far the plans have come; answers which tasks of these are on record now. */
function* write(
  items: readonly OpenTasks[],
  runs: ReadonlyMap<string, PlannedRun>,
  at: number,
): Steps<ReadonlySet<string>> {
  const wanted = items.flatMap((item) => newTasks(item, at))
  const added = yield* insertTasks(wanted)
  const planned = new Set<PlannedRun>()
  for (const { runId, planClosed, cursor, tasks } of items) {
    const run = runs.get(runId)
    if (run === undefined) continue
    planned.add(run)
    if (planClosed) run.planClosed = 1
    run.cursor = cursor ?? run.cursor
    for (const { id, start } of tasks) {
      if (!added.has(id)) continue
      if (start) run.nRunning++
      else run.nPending++
    }
  }
  yield* forEachRow(savePlans, [...planned])
  // The answer to a first try may have got lost: a task that is there under its id was added then.
  const missing = wanted.filter(({ id }) => !added.has(id)).map(({ id }) => id)
  return missing.length === 0 ? added : new Set([...added, ...(yield* readOpen(missing, runs))])
}

/** A run that runs and has got something to do stays as it is, which is nearly every one. The others are settled. */
function* settleWhereNeeded(
  scope: Scope,
  items: readonly OpenTasks[],
  runs: ReadonlyMap<string, PlannedRun>,
  at: number,
): Steps<Changes> {
  const unsettled = new Set<string>()
  for (const { runId } of items) {
    const run = runs.get(runId)
    if (run !== undefined && (run.state !== 'running' || run.nRunning + run.nPending === 0)) unsettled.add(runId)
  }
  if (unsettled.size === 0) return { settled: [], created: [] }
  return yield* advance(scope, [...(yield* lockCores(unsettled)).values()], at)
}

function newTasks({ runId, owner, fence, tasks }: OpenTasks, at: number): NewTask[] {
  return tasks.map(({ id, target, detail, start }) => ({
    id,
    runId,
    target,
    attempt: 1,
    crashes: 0,
    state: start ? 'running' : 'pending',
    detail: detail === undefined ? null : JSON.stringify(detail),
    owner: start ? owner : null,
    fence: start ? fence : 0,
    notBefore: null,
    createdAt: at,
    startedAt: start ? at : null,
  }))
}
