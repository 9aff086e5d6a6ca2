import type { Policy } from '../../domain/model.ts'
import { tryAfterCrash } from '../../domain/retry.ts'
import type { Scope } from '../contract.ts'
import { all, execute, idList, type Steps, sql } from '../sql.ts'
import { advance, type Changes } from './advance.ts'
import { nextAttempt, recordEnd } from './attempts.ts'
import { isOwner, lockCores, type Ownership, type RunCore, readRules } from './run-core.ts'
import { endPlaced } from './stop-tasks.ts'
import { addTasks, moveTask, type NewTask, saveTaskCores, TASK_COLUMNS, type TaskCore } from './tasks.ts'

const expired = sql(
  (d) =>
    `select id, name from instance where state <> 'gone' and (expires_at < ? or id in ${d.ids}) order by id${d.forUpdate}`,
)
const others = sql(`select id from instance where state <> 'gone' and id <> ?`)
const markGone = sql((d) => `update instance set state = 'gone', seen_at = ? where id in ${d.ids}`)
// Over the index of runs that have an owner, which are never many: finished ones have none.
const orphans = sql(
  `select id, owner from run where owner is not null
    and not exists (select 1 from instance where instance.id = run.owner and instance.state <> 'gone')
    order by owner, id limit ?`,
)

/** Runs recovered in one transaction at the most, so that recovery never holds the database for long. */
const RECOVER_AT_ONCE = 500

/** What a recovery did. */
export interface Recovery extends Changes {
  /** Instances that were found dead. */
  readonly gone: readonly { readonly id: string; readonly name: string }[]
  /** True when there is more to recover; call again. */
  readonly more: boolean
}

/**
 * Declares instances gone whose lease has run out, those named, and with `allBut` every other one; and ends by policy
 * what runs are owned by nobody who lives, whoever declared their owner gone. A task that was running is failed with
 * reason `lost` or followed by another attempt.
 */
export function* recoverInstances(
  input: { readonly at: number; readonly named?: readonly string[]; readonly allBut?: string },
  scope: Scope,
): Steps<Recovery> {
  const { at, named = [], allBut } = input
  const now = yield* scope.leaseTime(at)
  const rivals = allBut === undefined ? [] : (yield* all<{ id: string }>(others, allBut)).map(({ id }) => id)
  const gone = yield* all<{ id: string; name: string }>(expired, now, idList([...named, ...rivals]))
  if (gone.length > 0) yield* execute(markGone, now, idList(gone.map(({ id }) => id)))
  const lost = yield* all<Orphan>(orphans, RECOVER_AT_ONCE)
  return { ...(yield* loseRuns(scope, lost, at)), gone, more: lost.length === RECOVER_AT_ONCE }
}

/** A run whose owner is dead. */
interface Orphan {
  readonly id: string
  readonly owner: string
}

/** The instance's row is held against {@link mayTake} until the end, so that nothing is taken in its name after the look. */
const holdInstance = sql((d) => `select id from instance where id = ?${d.forUpdate}`)
const ownedRuns = sql('select id, owner from run where owner = ?')
const forget = sql(`delete from instance where state = 'gone' and seen_at < ?`)

/**
 * Signs an instance off, and forgets those that went more than `forgetMs` ago. It should run nothing any longer; what it
 * owns by the record all the same, because it had to let go of it in a hurry, is ended by policy as after a crash.
 */
export function* leaveInstance(
  { id, at, forgetMs }: { readonly id: string; readonly at: number; readonly forgetMs: number },
  scope: Scope,
): Steps<Changes> {
  const now = yield* scope.leaseTime(at)
  yield* execute(holdInstance, id)
  yield* execute(markGone, now, idList([id]))
  const changes = yield* loseRuns(scope, yield* all<Orphan>(ownedRuns, id), at)
  yield* execute(forget, now - forgetMs)
  return changes
}

/**
 * Ends by policy runs that an instance owns by what is on record but knows nothing of: the answer to the claim got lost
 * with a connection.
 */
export function* loseOwned(
  { items, at }: { readonly items: readonly Ownership[]; readonly at: number },
  scope: Scope,
): Steps<Changes> {
  const runs = yield* lockCores(items.map(({ runId }) => runId))
  const valid = items.filter((item) => isOwner(runs.get(item.runId), item))
  return yield* loseRuns(
    scope,
    valid.map(({ runId: id, owner }) => ({ id, owner })),
    at,
  )
}

const ownedTasks = sql(
  (d) => `select ${TASK_COLUMNS} from task where latest = 1 and finished_at is null and owner is not null
    and run_id in ${d.ids}`,
)

const LOST = { code: 'lost', text: 'The instance that ran it died or lost its lease.' }

function* loseRuns(scope: Scope, orphaned: readonly Orphan[], at: number): Steps<Changes> {
  const owners = new Map(orphaned.map(({ id, owner }) => [id, owner]))
  // Between the look and the lock a run may have ended, or another recovery may have freed it for somebody else.
  const lost = [...(yield* lockCores(owners.keys())).values()].filter(
    ({ id, owner, finishedAt }) => finishedAt === null && owner === owners.get(id),
  )
  if (lost.length === 0) return { settled: [], created: [] }
  const runs = new Map(lost.map((run) => [run.id, run]))
  const tasks = yield* all<TaskCore>(ownedTasks, idList(runs.keys()))
  const rules = yield* readRules(lost)
  const attempts: NewTask[] = []
  for (const task of tasks) {
    const run = runs.get(task.runId)
    if (run === undefined) continue
    const again = loseTask(scope, task, run, rules.get(run.jobId)?.policy, at)
    if (again !== null) attempts.push(again)
  }
  yield* saveTaskCores(tasks)
  yield* addTasks(attempts, runs)
  for (const run of lost) {
    run.owner = null
    run.touched = true
  }
  yield* endPlaced(lost, LOST, at)
  return yield* advance(scope, lost, at)
}

function loseTask(scope: Scope, task: TaskCore, run: RunCore, policy: Policy | undefined, at: number): NewTask | null {
  // What was asked to stop has stopped, if not the way it was meant to.
  const to = run.wanted === 'stop' ? 'stopped' : 'failed'
  moveTask(task, run, to, at)
  recordEnd(task, run, { to, reason: LOST })
  if (run.wanted === 'stop' || run.why === 'continuous' || policy === undefined) return null
  const again = tryAfterCrash(policy, task)
  return again === null ? null : nextAttempt(task, run, { id: scope.ids.next(), ...again }, at)
}
