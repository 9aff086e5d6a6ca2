import type { Scope } from '../contract.ts'
import { execute, type Steps, sql } from '../sql.ts'

/** Who does something, and from where. */
export interface Actor {
  readonly name: string
  readonly role: string
  readonly address: string | null
}

/** A change as the audit log keeps it. `detail` must hold no secret. */
export interface AuditEntry {
  readonly actor: Actor
  readonly action: string
  readonly targetType: string
  readonly targetId: string | null
  readonly targetName: string | null
  readonly collectionId: string | null
  readonly detail?: Readonly<Record<string, unknown>>
}

const insertAudit = sql(
  `insert into audit (id, time, actor, role, address, action, target_type, target_id, target_name, collection_id, detail)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
)

/** Puts a change on record, in the transaction that makes it. */
export function* recordAudit(scope: Scope, entry: AuditEntry, at: number): Steps<void> {
  const { actor, action, targetType, targetId, targetName, collectionId, detail = {} } = entry
  const id = scope.ids.next()
  const who = [actor.name, actor.role, actor.address] as const
  const what = [action, targetType, targetId, targetName, collectionId, JSON.stringify(detail)] as const
  yield* execute(insertAudit, id, at, ...who, ...what)
}

/** Puts something on record that changed nothing in the store, such as the showing of a secret. */
export function* addAudit(
  { entry, at }: { readonly entry: AuditEntry; readonly at: number },
  scope: Scope,
): Steps<void> {
  yield* recordAudit(scope, entry, at)
}
