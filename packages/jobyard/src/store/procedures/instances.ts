import type { Wanted } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { all, execute, type Steps, sql } from '../sql.ts'
import { advance, type Changes } from './advance.ts'
import { endPlaced, isOwner, lockCores, type Ownership, type RunCore } from './run-core.ts'
import { addTasks, moveTask, type NewTask, saveTaskCores, TASK_COLUMNS, type TaskCore } from './tasks.ts'
import { nextAttempt, recordEnd } from './work.ts'

/** A server process that takes runs. Its id is new at every start and never used again. */
export interface InstanceRecord {
  readonly id: string
  /** Stays the same over restarts: the place where continuous jobs that run everywhere have their run. */
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly version: string
}

const insertInstance = sql(
  `insert into instance (id, name, host, pid, version, state, started_at, seen_at, expires_at)
    values (?, ?, ?, ?, ?, 'up', ?, ?, ?)`,
)

/** Enters an instance with its first lease. */
export function* enterInstance(
  { instance, at, leaseMs }: { readonly instance: InstanceRecord; readonly at: number; readonly leaseMs: number },
  _scope: Scope,
): Steps<void> {
  const { id, name, host, pid, version } = instance
  yield* execute(insertInstance, id, name, host, pid, version, at, at, at + leaseMs)
}

const renew = sql(`update instance set seen_at = ?, expires_at = ? where id = ? and state <> 'gone' returning id`)
const ownedBy = sql(
  'select id, wanted, fence, reason_code as "reasonCode", reason_text as "reasonText" from run where owner = ?',
)

/** What an instance learns when it renews its lease. */
export interface Renewal {
  /** False: others have declared it gone. It must end everything it runs and enter anew. */
  readonly held: boolean
  /** The runs that it owns by what is on record. */
  readonly owned: readonly OwnedRun[]
}

/** A run as its owner learns of it with the lease. */
export interface OwnedRun {
  readonly id: string
  readonly wanted: Wanted
  readonly fence: number
  readonly reasonCode: string | null
  readonly reasonText: string | null
}

/** Renews the lease of an instance, and with it that of all its runs. */
export function* renewInstance(
  { id, at, leaseMs }: { readonly id: string; readonly at: number; readonly leaseMs: number },
  _scope: Scope,
): Steps<Renewal> {
  const held = (yield* all(renew, at, at + leaseMs, id)).length > 0
  return { held, owned: held ? yield* all<OwnedRun>(ownedBy, id) : [] }
}

const stillUp = sql((d) => `select id from instance where id = ? and state <> 'gone'${d.forShare}`)

/**
 * Whether an instance may take runs: not once others have declared it gone, because nobody would look after what it took.
 * The row stays as it is until the transaction ends.
 */
export function* mayTake(owner: string): Steps<boolean> {
  return (yield* all(stillUp, owner)).length > 0
}

const leave = sql(`update instance set state = 'gone', seen_at = ? where id = ?`)
const expired = sql(
  (d) => `select id, name from instance where state <> 'gone' and (expires_at < ? or id in
    (select id from ${d.rows({ id: 'text' })} as named_))${d.forUpdate}`,
)
const others = sql(`select id from instance where state <> 'gone' and id <> ?`)
const ownedRuns = sql('select id from run where owner = ? order by id limit ?')
const ownedTasks = sql(
  (d) => `select ${TASK_COLUMNS} from task where latest = 1 and finished_at is null and owner is not null
    and run_id in (select id from ${d.rows({ id: 'text' })} as lost_)`,
)
const crashRules = sql(
  (d) => `select job.id, job.policy from job where id in (select id from ${d.rows({ id: 'text' })} as wanted_)`,
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
 * Ends by policy what dead instances were running: those whose lease has run out, those named, or with `allBut` every
 * other one. A task that was running is failed with reason `lost` or followed by another attempt.
 */
export function* recoverInstances(
  input: { readonly at: number; readonly named?: readonly string[]; readonly allBut?: string },
  scope: Scope,
): Steps<Recovery> {
  const { at, named = [], allBut } = input
  const rivals = allBut === undefined ? [] : (yield* all<{ id: string }>(others, allBut)).map(({ id }) => id)
  const ids = JSON.stringify([...named, ...rivals].map((id) => ({ id })))
  const dead = yield* all<{ id: string; name: string }>(expired, at, ids)
  let room = RECOVER_AT_ONCE
  const changes: Changes = { settled: [], created: [] }
  for (const { id } of dead) {
    const runs = yield* all<{ id: string }>(ownedRuns, id, room)
    const lost = yield* loseRuns(
      scope,
      runs.map((run) => run.id),
      at,
    )
    changes.settled.push(...lost.settled)
    changes.created.push(...lost.created)
    room -= runs.length
    if (room <= 0) return { ...changes, gone: [], more: true }
    yield* execute(leave, at, id)
  }
  return { ...changes, gone: dead, more: false }
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
  const valid = items.filter((item) => isOwner(runs.get(item.runId), item)).map(({ runId }) => runId)
  return yield* loseRuns(scope, valid, at)
}

const LOST = { code: 'lost', text: 'The instance that ran it died or lost its lease.' }

function* loseRuns(scope: Scope, runIds: readonly string[], at: number): Steps<Changes> {
  if (runIds.length === 0) return { settled: [], created: [] }
  const runs = yield* lockCores(runIds)
  const ids = JSON.stringify(runIds.map((id) => ({ id })))
  const tasks = yield* all<TaskCore>(ownedTasks, ids)
  const rules = yield* readCrashRules(runs)
  const attempts: NewTask[] = []
  for (const task of tasks) {
    const run = runs.get(task.runId)
    if (run === undefined) continue
    const again = loseTask(scope, task, run, rules.get(run.jobId), at)
    if (again !== null) attempts.push(again)
  }
  yield* saveTaskCores(tasks)
  yield* addTasks(attempts, runs)
  for (const run of runs.values()) {
    run.owner = null
    run.touched = true
    endPlaced(run, LOST)
  }
  return yield* advance(scope, [...runs.values()], at)
}

interface CrashRule {
  readonly onCrash: 'fail' | 'retry'
  readonly maxCrashes: number
}

function* readCrashRules(runs: ReadonlyMap<string, RunCore>): Steps<Map<string, CrashRule>> {
  const ids = JSON.stringify([...new Set([...runs.values()].map(({ jobId }) => jobId))].map((id) => ({ id })))
  const rows = yield* all<{ id: string; policy: string }>(crashRules, ids)
  return new Map(rows.map(({ id, policy }) => [id, JSON.parse(policy) as CrashRule]))
}

function loseTask(scope: Scope, task: TaskCore, run: RunCore, rule: CrashRule | undefined, at: number): NewTask | null {
  // What was asked to stop has stopped, if not the way it was meant to.
  const to = run.wanted === 'stop' ? 'stopped' : 'failed'
  moveTask(task, run, to, at)
  recordEnd(task, run, { to, reason: LOST })
  if (run.wanted === 'stop' || run.why === 'continuous') return null
  if (rule?.onCrash !== 'retry' || task.crashes >= rule.maxCrashes) return null
  return nextAttempt(task, run, { id: scope.ids.next(), notBefore: at, crashed: true }, at)
}

const drain = sql(`update instance set state = 'draining' where id = ? and state = 'up'`)

/** Notes that an instance takes no more runs. */
export function* drainInstance({ id }: { readonly id: string }, _scope: Scope): Steps<void> {
  yield* execute(drain, id)
}

const forget = sql(`delete from instance where state = 'gone' and seen_at < ?`)

/** Signs an instance off that runs nothing any longer, and forgets those that went long ago. */
export function* leaveInstance(
  { id, at, forgetBefore }: { readonly id: string; readonly at: number; readonly forgetBefore: number },
  _scope: Scope,
): Steps<void> {
  yield* execute(leave, at, id)
  yield* execute(forget, forgetBefore)
}
