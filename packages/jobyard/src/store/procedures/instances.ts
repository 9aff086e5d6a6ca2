import type { Wanted } from '../../domain/run-state.ts'
import type { Scope } from '../contract.ts'
import { all, execute, type Steps, sql } from '../sql.ts'

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
  scope: Scope,
): Steps<void> {
  const { id, name, host, pid, version } = instance
  const now = yield* scope.leaseTime(at)
  yield* execute(insertInstance, id, name, host, pid, version, at, now, now + leaseMs)
}

const listUp = sql(`select id, name from instance where state <> 'gone' order by name, id`)

/** The instances that nobody has declared gone. One that died is among them until its lease is noticed to be over. */
export function* listInstances(): Steps<Pick<InstanceRecord, 'id' | 'name'>[]> {
  return [...(yield* all<Pick<InstanceRecord, 'id' | 'name'>>(listUp))]
}

const renew = sql(`update instance set seen_at = ?, expires_at = ? where id = ? and state <> 'gone' returning id`)
const ownedBy = sql(
  `select id, wanted, fence, reason_code as "reasonCode", reason_text as "reasonText", n_pending as "pending"
    from run where owner = ?`,
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
  /** Tasks that are still to be begun. */
  readonly pending: number
}

/** Renews the lease of an instance, and with it that of all its runs. */
export function* renewInstance(
  { id, at, leaseMs }: { readonly id: string; readonly at: number; readonly leaseMs: number },
  scope: Scope,
): Steps<Renewal> {
  const now = yield* scope.leaseTime(at)
  const held = (yield* all(renew, now, now + leaseMs, id)).length > 0
  return { held, owned: held ? yield* all<OwnedRun>(ownedBy, id) : [] }
}

const stillUp = sql((d) => `select id from instance where id = ? and state <> 'gone'${d.forKeyShare}`)

/**
 * Whether an instance may take runs: not once others have declared it gone. Until the transaction ends nobody can do so,
 * because recovery takes the row for itself; renewing the lease, which takes less, need not wait.
 */
export function* mayTake(owner: string): Steps<boolean> {
  return (yield* all(stillUp, owner)).length > 0
}

const drain = sql(`update instance set state = 'draining' where id = ? and state = 'up'`)

/** Notes that an instance takes no more runs. */
export function* drainInstance({ id }: { readonly id: string }, _scope: Scope): Steps<void> {
  yield* execute(drain, id)
}
