import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, type Steps, sql } from '../sql.ts'
import { type Actor, recordAudit } from './audit.ts'

/** What a hook can be called for. */
export const HOOK_EVENTS = ['run-finished', 'deployed'] as const

/** One of {@link HOOK_EVENTS}. */
export type HookEvent = (typeof HOOK_EVENTS)[number]

/** Hooks that a collection can have. */
const MOST_HOOKS = 100

/** A hook as it is stored. Its user and password are not among this. */
export interface HookRow {
  readonly id: string
  readonly collectionId: string
  readonly event: HookEvent
  /** Without user and password. */
  readonly url: string
  /** True when there is a user or a password, which are encrypted. */
  readonly hasCredentials: boolean
  /** True: the certificate of the address is not looked at. */
  readonly insecure: boolean
  readonly createdBy: string
  readonly createdAt: number
  /** HTTP status of the last answer; null when none came, or none was ever asked for. */
  readonly lastStatus: number | null
  /** The words beside that status, or why no answer came; null before the first call. */
  readonly lastReason: string | null
  readonly lastAt: number | null
  /** What was sent last. */
  readonly lastBody: string | null
}

const HOOK_COLUMNS = `id, collection_id as "collectionId", event, url, credentials is not null as "hasCredentials",
  insecure, created_by as "createdBy", created_at as "createdAt", last_status as "lastStatus",
  last_reason as "lastReason", last_at as "lastAt", last_body as "lastBody"`

type HookRecord = Omit<HookRow, 'hasCredentials' | 'insecure'> & {
  readonly hasCredentials: number | boolean
  readonly insecure: number
}

function toHook(record: HookRecord): HookRow {
  return { ...record, hasCredentials: Boolean(record.hasCredentials), insecure: record.insecure === 1 }
}

const hooksOf = sql(`select ${HOOK_COLUMNS} from hook where collection_id = ? order by id`)
const hookById = sql(`select ${HOOK_COLUMNS} from hook where id = ?`)

/** The hooks of a collection, the oldest first. */
export function* listHooks({ collectionId }: { readonly collectionId: string }): Steps<HookRow[]> {
  return (yield* all<HookRecord>(hooksOf, collectionId)).map(toHook)
}

/** A hook by its id; null when there is none. */
export function* getHook({ id }: { readonly id: string }): Steps<HookRow | null> {
  const record = yield* first<HookRecord>(hookById, id)
  return record === undefined ? null : toHook(record)
}

/** A hook as it is to be. */
export interface HookDraft {
  readonly id: string
  readonly collectionId: string
  readonly event: HookEvent
  /** Without user and password. */
  readonly url: string
  /** User and password, encrypted; absent: none, or those that the hook has already. */
  readonly credentials?: string
  readonly insecure: boolean
}

const lockCollection = sql((d) => `select id from collection where id = ?${d.forUpdate}`)
const insertHook = sql(
  `insert into hook (id, collection_id, event, url, credentials, insecure, created_by, created_at)
    values (?, ?, ?, ?, ?, ?, ?, ?)`,
)
const renewHook = sql('update hook set credentials = coalesce(?, credentials), insecure = ? where id = ?')

/**
 * Makes a hook. One of the same address and event is there once: it is given back, with the new password if one came.
 * Throws 'collection-unknown', 'hook-exists' when the address has a hook for another event, and 'hook-limit'.
 */
export function* addHook(
  { draft, actor, at }: { readonly draft: HookDraft; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<{ readonly hook: HookRow; readonly isNew: boolean }> {
  const { collectionId, event, url, credentials = null, insecure } = draft
  if ((yield* first(lockCollection, collectionId)) === undefined) throw new JobyardError('collection-unknown')
  const hooks = yield* all<HookRecord>(hooksOf, collectionId)
  const known = hooks.find((hook) => hook.url === url)
  const id = known?.id ?? draft.id
  if (known !== undefined) {
    if (known.event !== event) {
      const message = `There is a hook to ${url} for the event ${known.event} already.`
      throw new JobyardError('hook-exists', message, { field: 'url' })
    }
    yield* execute(renewHook, credentials, insecure ? 1 : 0, id)
  } else {
    if (hooks.length >= MOST_HOOKS) {
      throw new JobyardError('hook-limit', `The collection has ${hooks.length} hooks, the most that it can have.`)
    }
    const made = [credentials, insecure ? 1 : 0, actor.name, at] as const
    yield* execute(insertHook, id, collectionId, event, url, ...made)
  }
  const action = known === undefined ? 'hook.create' : 'hook.update'
  const target = { targetType: 'hook', targetId: id, targetName: url, collectionId }
  yield* recordAudit(scope, { actor, action, ...target, detail: { event, insecure } }, at)
  const record = yield* first<HookRecord>(hookById, id)
  if (record === undefined) throw new JobyardError('hook-unknown')
  return { hook: toHook(record), isNew: known === undefined }
}

const dropHook = sql(`delete from hook where id = ? returning collection_id as "collectionId", url`)

/** Takes a hook away, with the calls that wait for it. Throws 'hook-unknown'. */
export function* deleteHook(
  { id, actor, at, why }: { readonly id: string; readonly actor: Actor; readonly at: number; readonly why?: string },
  scope: Scope,
): Steps<void> {
  const row = yield* first<{ collectionId: string; url: string }>(dropHook, id)
  if (row === undefined) throw new JobyardError('hook-unknown')
  const target = { targetType: 'hook', targetId: id, targetName: row.url, collectionId: row.collectionId }
  const detail = why === undefined ? {} : { detail: { why } }
  yield* recordAudit(scope, { actor, action: 'hook.delete', ...target, ...detail }, at)
}
