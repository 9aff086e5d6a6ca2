import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, forEachRow, type Steps, sql, updateEach } from '../sql.ts'
import { type Actor, recordAudit } from './audit.ts'
import { nameKey } from './jobs.ts'

/** What a token's bearer may do: each role may do what the later ones may. */
export const ROLES = ['admin', 'deployer', 'operator', 'viewer'] as const

/** A role of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** A token as it is stored; of its secret only a hash. */
export interface TokenRow {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** The only collection it is good for; null: all. */
  readonly collectionId: string | null
  readonly createdBy: string
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly lastUsedAt: number | null
}

const TOKEN_COLUMNS = `id, name, role, collection_id as "collectionId", created_by as "createdBy",
  created_at as "createdAt", expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"`

const insertToken = sql(
  `insert into token (id, name, name_key, hash, role, collection_id, created_by, created_at, expires_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning ${TOKEN_COLUMNS}`,
)

const dropToken = sql('delete from token where hash = ?')

/** Enters a token by the hash of its secret. */
export function* addToken(
  input: {
    readonly id: string
    readonly name: string
    readonly hash: string
    readonly role: Role
    readonly collectionId: string | null
    readonly expiresAt: number | null
    /** True: takes the place of what is on record for this very secret, such as a revocation. */
    readonly anew?: boolean
    readonly actor: Actor
    readonly at: number
  },
  scope: Scope,
): Steps<TokenRow> {
  const { id, name, hash, role, collectionId, expiresAt, anew, actor, at } = input
  if (anew === true) yield* execute(dropToken, hash)
  const fields = [id, name, nameKey(name), hash, role, collectionId, actor.name, at, expiresAt] as const
  const row = yield* first<TokenRow>(insertToken, ...fields)
  if (row === undefined) {
    throw new JobyardError('token-exists', `There is a token ${name} already.`, { field: 'name' })
  }
  const entry = { actor, action: 'token.create', targetType: 'token', targetId: id, targetName: name, collectionId }
  yield* recordAudit(scope, { ...entry, detail: { role, expiresAt } }, at)
  return row
}

const tokenByHash = sql(`select ${TOKEN_COLUMNS} from token where hash = ?`)

/** The token with this hash, revoked and expired ones too; null when there is none. */
export function* findToken({ hash }: { readonly hash: string }): Steps<TokenRow | null> {
  return (yield* first<TokenRow>(tokenByHash, hash)) ?? null
}

const tokens = sql(`select ${TOKEN_COLUMNS} from token order by id limit 1000`)

/** All tokens, revoked ones too, the oldest first. */
export function* listTokens(): Steps<TokenRow[]> {
  return [...(yield* all<TokenRow>(tokens))]
}

const revoke = sql(`update token set revoked_at = ? where id = ? and revoked_at is null returning ${TOKEN_COLUMNS}`)

/** Makes a token worthless from now on. */
export function* revokeToken(
  { id, actor, at }: { readonly id: string; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<TokenRow> {
  const row = yield* first<TokenRow>(revoke, at, id)
  if (row === undefined) throw new JobyardError('token-unknown')
  const { name: targetName, collectionId } = row
  yield* recordAudit(
    scope,
    { actor, action: 'token.revoke', targetType: 'token', targetId: id, targetName, collectionId },
    at,
  )
  return row
}

const touch = updateEach('token', { id: 'text' }, { lastUsedAt: 'int' })

/** Notes when tokens were last used. */
export function* touchTokens(
  { uses }: { readonly uses: readonly { readonly id: string; readonly at: number }[] },
  _scope: Scope,
): Steps<void> {
  yield* forEachRow(
    touch,
    uses.map(({ id, at }) => ({ id, lastUsedAt: at })),
  )
}

const insertCollection = sql(
  `insert into collection (id, name, name_key, created_at) values (?, ?, ?, ?) on conflict do nothing returning id`,
)

/** A group of jobs. */
export interface CollectionRow {
  readonly id: string
  readonly name: string
  readonly createdAt: number
}

/** Makes a collection. */
export function* addCollection(
  { id, name, actor, at }: { readonly id: string; readonly name: string; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<CollectionRow> {
  if ((yield* first(insertCollection, id, name, nameKey(name), at)) === undefined) {
    throw new JobyardError('collection-exists', `There is a collection ${name} already.`, { field: 'name' })
  }
  const target = { targetType: 'collection', targetId: id, targetName: name, collectionId: id }
  yield* recordAudit(scope, { actor, action: 'collection.create', ...target }, at)
  return { id, name, createdAt: at }
}

const collections = sql('select id, name, created_at as "createdAt" from collection order by name_key')
const jobsLeft = sql('select count(*) as count from job where collection_id = ? and deleted_at is null')
const dropCollection = sql('delete from collection where id = ? returning name')
const dropSettings = sql('delete from setting where collection_id = ?')
const dropDeleted = sql('select id from job where collection_id = ? limit 1')

/** All collections, by name. */
export function* listCollections(): Steps<CollectionRow[]> {
  return [...(yield* all<CollectionRow>(collections))]
}

/** Takes an empty collection away. */
export function* deleteCollection(
  { id, actor, at }: { readonly id: string; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<void> {
  const left = (yield* first<{ count: number }>(jobsLeft, id))?.count ?? 0
  if (left > 0 || (yield* first(dropDeleted, id)) !== undefined) {
    throw new JobyardError('collection-in-use', `The collection still has ${left === 0 ? 'history' : `${left} jobs`}.`)
  }
  yield* execute(dropSettings, id)
  const row = yield* first<{ name: string }>(dropCollection, id)
  if (row === undefined) throw new JobyardError('collection-unknown')
  const target = { targetType: 'collection', targetId: id, targetName: row.name, collectionId: id }
  yield* recordAudit(scope, { actor, action: 'collection.delete', ...target }, at)
}

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
