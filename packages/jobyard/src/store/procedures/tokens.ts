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
