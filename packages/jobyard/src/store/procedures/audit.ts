import type { Scope } from '../contract.ts'
import { forEachRow, insertEach, type Steps } from '../sql.ts'

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
  /** The job of a run that is started. Of each job only the newest such entries are kept. */
  readonly startsOf?: string
}

const insertAudit = insertEach('audit', {
  id: 'text',
  time: 'int',
  actor: 'text',
  role: 'text',
  address: 'text',
  action: 'text',
  targetType: 'text',
  targetId: 'text',
  targetName: 'text',
  collectionId: 'text',
  detail: 'text',
  jobId: 'text',
})

/** Puts a change on record, in the transaction that makes it. */
export function* recordAudit(scope: Scope, entry: AuditEntry, at: number): Steps<void> {
  yield* recordAudits(scope, [entry], at)
}

/** As {@link recordAudit}, for many in one statement. */
export function* recordAudits(scope: Scope, entries: readonly AuditEntry[], at: number): Steps<void> {
  const rows = entries.map(({ actor, detail = {}, startsOf = null, ...what }) => {
    const who = { actor: actor.name, role: actor.role, address: actor.address }
    return { ...what, ...who, id: scope.ids.next(), time: at, detail: JSON.stringify(detail), jobId: startsOf }
  })
  yield* forEachRow(insertAudit, rows)
}

/** Puts something on record that changed nothing in the store, such as the showing of a secret. */
export function* addAudit(
  { entry, at }: { readonly entry: AuditEntry; readonly at: number },
  scope: Scope,
): Steps<void> {
  yield* recordAudit(scope, entry, at)
}
