import type { Scope } from '../contract.ts'
import { execute, first, type Steps, sql } from '../sql.ts'
import type { TokenRow } from './tokens.ts'
import { type Actor, recordAudit } from './audit.ts'

/** Sessions that one token may have at a time; with one more the oldest ends. */
export const MOST_SESSIONS = 50

/** Whose session it is: the token it stands for, which tells what may be done. */
export interface SessionRow {
  readonly token: TokenRow
  /** When the session ends, epoch milliseconds; it may be worthless before, with its token. */
  readonly expiresAt: number
}

const insertSession = sql('insert into session (hash, token_id, created_at, expires_at) values (?, ?, ?, ?)')
const dropExpired = sql('delete from session where expires_at <= ?')
const dropOldest = sql(
  `delete from session where token_id = ? and hash not in
    (select hash from session where token_id = ? order by created_at desc, hash limit ${MOST_SESSIONS})`,
)

/** Notes that a browser was signed in with a token, and forgets sessions that are over. */
export function* openSession(
  input: {
    readonly hash: string
    readonly tokenId: string
    readonly collectionId: string | null
    readonly expiresAt: number
    readonly actor: Actor
    readonly at: number
  },
  scope: Scope,
): Steps<void> {
  const { hash, tokenId, collectionId, expiresAt, actor, at } = input
  yield* execute(dropExpired, at)
  yield* execute(insertSession, hash, tokenId, at, expiresAt)
  yield* execute(dropOldest, tokenId, tokenId)
  const target = { targetType: 'token', targetId: tokenId, targetName: actor.name, collectionId }
  yield* recordAudit(scope, { actor, action: 'session.open', ...target, detail: { expiresAt } }, at)
}

const dropSession = sql('delete from session where hash = ? returning token_id as "tokenId"')

/** Ends a session. False when it has ended already. */
export function* closeSession(
  input: {
    readonly hash: string
    readonly collectionId: string | null
    readonly actor: Actor
    readonly at: number
  },
  scope: Scope,
): Steps<boolean> {
  const { hash, collectionId, actor, at } = input
  const row = yield* first<{ tokenId: string }>(dropSession, hash)
  if (row === undefined) return false
  const target = { targetType: 'token', targetId: row.tokenId, targetName: actor.name, collectionId }
  yield* recordAudit(scope, { actor, action: 'session.close', ...target }, at)
  return true
}

const sessionByHash = sql(
  `select token.id, token.name, token.role, token.collection_id as "collectionId", token.created_by as "createdBy",
      token.created_at as "createdAt", token.expires_at as "expiresAt", token.revoked_at as "revokedAt",
      token.last_used_at as "lastUsedAt", session.expires_at as "sessionExpiresAt"
    from session join token on token.id = session.token_id where session.hash = ?`,
)

/** The session with this hash and its token, expired and revoked ones too; null when there is none. */
export function* findSession({ hash }: { readonly hash: string }): Steps<SessionRow | null> {
  const row = yield* first<TokenRow & { sessionExpiresAt: number }>(sessionByHash, hash)
  if (row === undefined) return null
  const { sessionExpiresAt, ...token } = row
  return { token, expiresAt: sessionExpiresAt }
}
