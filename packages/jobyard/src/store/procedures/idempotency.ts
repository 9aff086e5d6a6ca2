import type { Scope } from '../contract.ts'
import { execute, first, type Steps, sql } from '../sql.ts'

const claimKey = sql(
  `insert into idempotency (actor, name, fingerprint, status, body, expires_at) values (?, ?, ?, 0, ?, ?)
    on conflict (actor, name) do nothing returning name`,
)
const readKey = sql(
  (d) => `select fingerprint, status, body, expires_at as "expiresAt" from idempotency
    where actor = ? and name = ?${d.forUpdate}`,
)
const renewKey = sql(
  'update idempotency set fingerprint = ?, status = 0, body = ?, expires_at = ? where actor = ? and name = ?',
)
const noteKey = sql('update idempotency set body = ? where actor = ? and name = ? and status = 0')
const livingInstance = sql(`select id from instance where id = ? and state <> 'gone' and expires_at > ?`)

/** What stands in a key's row while its request is under way, in the place of the answer. */
interface KeyNote {
  /** Id of the instance that works on the request; empty when it gave up without knowing what was done. */
  readonly owner: string
  /** The id of whatever the request makes, chosen before it is made. */
  readonly subject: string
  /** When the key was first taken, epoch milliseconds. */
  readonly takenAt: number
}

/** What is known of an idempotency key. */
export type KeyState =
  /** It was taken for another request. */
  | { readonly state: 'different' }
  /** Its request is under way. */
  | { readonly state: 'running' }
  /** It is the caller's now; what its request makes gets the id `subject`. */
  | { readonly state: 'new'; readonly subject: string; readonly takenAt: number }
  /**
   * It is the caller's now, but an instance that took it before died over the request, or does not know how it
   * went. What the request makes may be there already, under the id `subject`.
   */
  | { readonly state: 'resumed'; readonly subject: string; readonly takenAt: number }
  | { readonly state: 'answered'; readonly status: number; readonly body: string }

/** A request that wants a key. */
export interface KeyRequest {
  /** Whose key it is: keys of different actors have nothing to do with each other. */
  readonly actor: string
  readonly name: string
  /** Tells one request from another. */
  readonly fingerprint: string
  /** The instance that asks, which must know that it is not working on this very request already. */
  readonly owner: string
  /** The id to give to what the request makes, if the key is new. */
  readonly subject: string
  readonly at: number
  readonly expiresAt: number
}

/** Takes an idempotency key for a request, or tells what became of the request that took it before. */
export function* takeKey(request: KeyRequest, _scope: Scope): Steps<KeyState> {
  const { actor, name, fingerprint, at, expiresAt } = request
  const note: KeyNote = { owner: request.owner, subject: request.subject, takenAt: at }
  const fresh: KeyState = { state: 'new', subject: note.subject, takenAt: at }
  const body = JSON.stringify(note)
  if ((yield* first(claimKey, actor, name, fingerprint, body, expiresAt)) !== undefined) return fresh
  const row = yield* first<{ fingerprint: string; status: number; body: string; expiresAt: number }>(
    readKey,
    actor,
    name,
  )
  // Pruned between the two statements, which only a key of yesterday can be; its sender asks again.
  if (row === undefined) return { state: 'running' }
  if (row.expiresAt <= at) {
    yield* execute(renewKey, fingerprint, body, expiresAt, actor, name)
    return fresh
  }
  if (row.fingerprint !== fingerprint) return { state: 'different' }
  if (row.status !== 0) return { state: 'answered', status: row.status, body: row.body }
  return yield* takeOver(request, JSON.parse(row.body) as KeyNote)
}

/** A key whose instance lives is left alone; that of a dead one goes on under its old subject, so that nothing is made twice. */
function* takeOver({ actor, name, owner, at }: KeyRequest, before: KeyNote): Steps<KeyState> {
  const others = before.owner !== '' && before.owner !== owner
  if (others && (yield* first(livingInstance, before.owner, at)) !== undefined) return { state: 'running' }
  yield* execute(noteKey, JSON.stringify({ ...before, owner } satisfies KeyNote), actor, name)
  return { state: 'resumed', subject: before.subject, takenAt: before.takenAt }
}

const answerKey = sql('update idempotency set status = ?, body = ? where actor = ? and name = ?')

/** Keeps the answer of a request for whoever sends it again. */
export function* settleKey(
  {
    actor,
    name,
    status,
    body,
  }: { readonly actor: string; readonly name: string; readonly status: number; readonly body: string },
  _scope: Scope,
): Steps<void> {
  yield* execute(answerKey, status, body, actor, name)
}

/**
 * Lets the same request be sent again after a failure that does not tell whether anything was done: whoever takes the
 * key next looks for the subject first. (Dropping the row would forget the subject, and the run could be made twice.)
 */
export function* freeKey(
  input: { readonly actor: string; readonly name: string; readonly subject: string; readonly takenAt: number },
  _scope: Scope,
): Steps<void> {
  const { actor, name, subject, takenAt } = input
  yield* execute(noteKey, JSON.stringify({ owner: '', subject, takenAt } satisfies KeyNote), actor, name)
}
