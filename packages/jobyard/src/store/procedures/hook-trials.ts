import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { execute, first, type Steps, sql } from '../sql.ts'
import { type Actor, recordAudit } from './audit.ts'
import { type CallResult, noteResult } from './hook-calls.ts'
import type { HookEvent } from './hooks.ts'

/** What a hook calls, and for what. */
export interface HookTarget {
  readonly collectionId: string
  /** Name of the collection. */
  readonly collection: string
  readonly event: HookEvent
  readonly url: string
  /** User and password, encrypted; null when there are none. */
  readonly credentials: string | null
  readonly insecure: boolean
}

const target = sql(
  `select hook.collection_id as "collectionId", collection.name as collection, event, url, credentials, insecure from hook
    join collection on collection.id = hook.collection_id where hook.id = ?`,
)

/** What a hook calls; null when it is not there. */
export function* getHookTarget({ id }: { readonly id: string }): Steps<HookTarget | null> {
  const found = yield* first<Omit<HookTarget, 'insecure'> & { readonly insecure: number }>(target, id)
  return found === undefined ? null : { ...found, insecure: found.insecure === 1 }
}

/** Keeps how a call went that somebody asked for to try a hook. `at` is when it was begun. Throws 'hook-unknown'. */
export function* noteHookTrial(
  input: { readonly id: string; readonly result: CallResult; readonly actor: Actor; readonly at: number },
  scope: Scope,
): Steps<void> {
  const { id, result, actor, at } = input
  const hook = yield* getHookTarget({ id })
  if (hook === null) throw new JobyardError('hook-unknown')
  const { status, reason, body } = result
  yield* execute(noteResult, status, reason, body, at, id, at)
  const target = { targetType: 'hook', targetId: id, targetName: hook.url, collectionId: hook.collectionId }
  yield* recordAudit(scope, { actor, action: 'hook.test', ...target, detail: { status } }, at)
}
