import { JobyardError } from '../../domain/errors.ts'
import type { Scope } from '../contract.ts'
import { all, execute, first, forEachRow, insertEach, type Steps, sql } from '../sql.ts'
import { type Actor, recordAudit } from './audit.ts'

/** What a hook can be called for. */
export const HOOK_EVENTS = ['run-finished', 'deployed'] as const

/** One of {@link HOOK_EVENTS}. */
export type HookEvent = (typeof HOOK_EVENTS)[number]

/** Hooks that a collection can have. */
export const MOST_HOOKS = 100
/** Calls that may wait for one hook; older ones are given up for newer ones. */
export const MOST_WAITING = 10_000
/** A call that could not be made for so long is given up, in milliseconds: a day. */
const WAITING_KEPT_MS = 86_400_000

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

/** What a call is about. */
export type HookSubject =
  | { readonly type: 'run'; readonly runId: string }
  | { readonly type: 'deployment'; readonly deployment: DeploymentFacts }
  /** Somebody had this text sent. */
  | { readonly type: 'text'; readonly text: string }

/** A deployment as hooks are told of it. */
export interface DeploymentFacts {
  readonly jobId: string
  readonly jobName: string
  readonly jobType: string
  readonly hash: string
  readonly source: string
  readonly deployedBy: string
  readonly deployedAt: number
}

const insertCalls = insertEach('hook_call', { id: 'text', hookId: 'text', subject: 'text', createdAt: 'int' })
// From the hooks, because mostly there are none. A continuous job's process ends and is started again: no end to tell of.
const hooksOfRuns = sql(
  (d) => `select hook.id as "hookId", run.id as "runId" from hook
    join run on run.collection_id = hook.collection_id
    join job on job.id = run.job_id
    where hook.event = 'run-finished' and run.id in (select id from ${d.rows({ id: 'text' })} as ended_)
      and run.why <> 'continuous' and job.type <> 'continuous'
    order by run.id, hook.id`,
)
const someHook = sql(`select 1 as found from hook where event = 'run-finished' limit 1`)
const hooksFor = sql('select id as "hookId" from hook where collection_id = ? and event = ? order by id')

/** Writes down the calls that ended runs bring about; in the transaction that ends them, so that none is forgotten. */
export function* noteEndedRuns(scope: Scope, ended: readonly { readonly id: string }[], at: number): Steps<void> {
  if ((yield* first(someHook)) === undefined) return
  const ids = JSON.stringify(ended.map(({ id }) => ({ id })))
  const due = yield* all<{ hookId: string; runId: string }>(hooksOfRuns, ids)
  yield* addCalls(
    scope,
    due.map(({ hookId, runId }) => ({ hookId, subject: { type: 'run', runId } })),
    at,
  )
}

/** Writes down the calls that a deployment brings about, in its own transaction. */
export function* noteDeployment(
  scope: Scope,
  collectionId: string,
  deployment: DeploymentFacts,
  at: number,
): Steps<void> {
  const hooks = yield* all<{ hookId: string }>(hooksFor, collectionId, 'deployed')
  yield* addCalls(
    scope,
    hooks.map(({ hookId }) => ({ hookId, subject: { type: 'deployment', deployment } })),
    at,
  )
}

/** Has all hooks of a collection that are for an event called with a text. Answers how many there are. */
export function* publishToHooks(
  input: { readonly collectionId: string; readonly event: HookEvent; readonly text: string; readonly at: number },
  scope: Scope,
): Steps<number> {
  const hooks = yield* all<{ hookId: string }>(hooksFor, input.collectionId, input.event)
  const subject = { type: 'text', text: input.text } as const
  yield* addCalls(
    scope,
    hooks.map(({ hookId }) => ({ hookId, subject })),
    input.at,
  )
  return hooks.length
}

function* addCalls(
  scope: Scope,
  calls: readonly { readonly hookId: string; readonly subject: HookSubject }[],
  at: number,
): Steps<void> {
  const rows = calls.map(({ hookId, subject }) => ({
    id: scope.ids.next(),
    hookId,
    subject: JSON.stringify(subject),
    createdAt: at,
  }))
  yield* forEachRow(insertCalls, rows)
}

/** A call that the caller of {@link claimHookCalls} is to make. */
export interface HookCall {
  readonly id: string
  readonly hookId: string
  readonly collectionId: string
  readonly url: string
  /** User and password, encrypted; null when there are none. */
  readonly credentials: string | null
  readonly insecure: boolean
  readonly subject: HookSubject
}

// Hook by hook, and the one that has waited longest first: a long list of calls to one that answers slowly is not read.
const waitingHooks = sql(
  (d) => `select id from hook where exists (select 1 from hook_call where hook_id = hook.id)
      and id not in (select id from ${d.rows({ id: 'text' })} as busy_)
    order by (select min(hook_call.id) from hook_call where hook_id = hook.id) limit ?`,
)
const claim = sql(
  `update hook_call set held_until = ? where held_until <= ? and id in (
      select id from hook_call where hook_id = ? and held_until <= ? order by id limit ?)
    returning id, hook_id as "hookId", subject`,
)
const hookFacts = sql(
  (d) => `select id, collection_id as "collectionId", url, credentials, insecure from hook
    where id in (select id from ${d.rows({ id: 'text' })} as wanted_)`,
)
const anyHook = sql('select 1 as found from hook limit 1')

/**
 * Takes calls that wait, the oldest first and `perHook` of each hook at the most, so that one which answers slowly does not
 * keep the others waiting. They are the caller's for `holdMs`; of one that is not settled until then it is not known
 * whether it was made, and somebody makes it (again). Tells whether there are hooks at all.
 */
export function* claimHookCalls(
  input: {
    readonly at: number
    readonly holdMs: number
    readonly limit: number
    readonly perHook: number
    /** Hooks that are being called already and are to be left alone. */
    readonly busy: readonly string[]
  },
  _scope: Scope,
): Steps<{ readonly calls: HookCall[]; readonly some: boolean }> {
  if ((yield* first(anyHook)) === undefined) return { calls: [], some: false }
  const { at, holdMs, limit, perHook } = input
  const busy = JSON.stringify(input.busy.map((id) => ({ id })))
  type Claimed = { id: string; hookId: string; subject: string }
  const claimed: Claimed[] = []
  for (const { id } of yield* all<{ id: string }>(waitingHooks, busy, limit)) {
    const most = Math.min(perHook, limit - claimed.length)
    if (most > 0) claimed.push(...(yield* all<Claimed>(claim, at + holdMs, at, id, at, most)))
  }
  if (claimed.length === 0) return { calls: [], some: true }
  type Facts = { id: string; collectionId: string; url: string; credentials: string | null; insecure: number }
  const ids = JSON.stringify([...new Set(claimed.map(({ hookId }) => hookId))].map((id) => ({ id })))
  const facts = new Map((yield* all<Facts>(hookFacts, ids)).map((hook) => [hook.id, hook]))
  const calls = claimed
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap(({ id, hookId, subject }): HookCall[] => {
      const hook = facts.get(hookId)
      if (hook === undefined) return []
      const { collectionId, url, credentials, insecure } = hook
      return [{ id, hookId, collectionId, url, credentials, insecure: insecure === 1, subject: JSON.parse(subject) }]
    })
  return { calls, some: true }
}

const freeCalls = sql('update hook_call set held_until = 0 where held_until > 0')

/** Lets calls go that a dead server held. Only where no other server can hold any. */
export function* freeHookCalls(_input: undefined, _scope: Scope): Steps<void> {
  yield* execute(freeCalls)
}

/** How a call went. */
export interface CallResult {
  /** HTTP status; null when no answer came. */
  readonly status: number | null
  readonly reason: string
  /** What was sent. */
  readonly body: string
}

const dropCall = sql('delete from hook_call where id = ?')
const noteResult = sql(
  'update hook set last_status = ?, last_reason = ?, last_body = ?, last_at = ? where id = ? and coalesce(last_at, 0) <= ?',
)

/**
 * Takes a call off the list: it was made, however it went. Without a result there was nothing to tell of any more. `at` is
 * when it was begun: one that took long does not hide how a later one went.
 */
export function* settleHookCall(
  input: { readonly id: string; readonly hookId: string; readonly result: CallResult | null; readonly at: number },
  _scope: Scope,
): Steps<void> {
  const { id, hookId, result, at } = input
  yield* execute(dropCall, id)
  if (result !== null) yield* execute(noteResult, result.status, result.reason, result.body, at, hookId, at)
}

const dropLate = sql('delete from hook_call where created_at < ? returning id')
const dropSurplus = sql(
  `delete from hook_call where id in (select id from (
      select id, row_number() over (partition by hook_id order by id desc) as place from hook_call) as waiting_
    where place > ${MOST_WAITING}) returning id`,
)

/** Gives up calls that nobody can make any longer in time. Answers how many. */
export function* dropHookCalls({ at }: { readonly at: number }, _scope: Scope): Steps<number> {
  const late = yield* all(dropLate, at - WAITING_KEPT_MS)
  const surplus = yield* all(dropSurplus)
  return late.length + surplus.length
}
