import type { Scope } from '../contract.ts'
import { all, execute, first, idList, type Steps, sql } from '../sql.ts'
import type { HookSubject } from './hook-causes.ts'

/** Calls that may wait for one hook; older ones are given up for newer ones. */
const MOST_WAITING = 10_000
/** A call that could not be made for so long is given up, in milliseconds: a day. */
const WAITING_KEPT_MS = 86_400_000

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

/** Hooks that are looked at in one claim. */
const MOST_HOOKS = 1000

// Hook by hook, and the one that has waited longest first: a long list of calls to one that answers slowly is not read.
const waitingHooks = sql(
  `select id, collection_id as "collectionId", case when last_at is not null and last_status is null then 1 else 0 end
      as silent from hook
    where exists (select 1 from hook_call where hook_id = hook.id and held_until <= ?)
    order by (select min(hook_call.id) from hook_call where hook_id = hook.id and held_until <= ?) limit ${MOST_HOOKS}`,
)
const claim = sql(
  `update hook_call set held_until = ? where held_until <= ? and id in (
      select id from hook_call where hook_id = ? and held_until <= ? order by id limit ?)
    returning id, hook_id as "hookId", subject`,
)
const hookFacts = sql(
  (d) => `select id, collection_id as "collectionId", url, credentials, insecure from hook
    where id in ${d.ids}`,
)
const anyHook = sql('select 1 as found from hook limit 1')

/** A call that is under way, as far as it counts against others. */
export interface UnderWay {
  readonly hookId: string
  readonly collectionId: string
}

/** How much is taken. */
export interface HookClaim {
  readonly at: number
  /** Milliseconds for which the calls are the caller's. */
  readonly holdMs: number
  readonly limit: number
  /** Of one hook at a time; of one that gave no answer the last time, one. */
  readonly perHook: number
  /** Of the hooks of one collection at a time. */
  readonly perCollection: number
  /** The calls that the caller makes already. */
  readonly underWay: readonly UnderWay[]
}

type Claimed = { readonly id: string; readonly hookId: string; readonly subject: string }

/**
 * Takes calls that wait, the oldest first: one of each hook, then more, within the bounds, so that addresses which answer
 * slowly or never keep no other waiting. They are the caller's for `holdMs`; of one that is not settled until then it is
 * not known whether it was made, and somebody makes it (again). Tells whether there are hooks at all.
 */
export function* claimHookCalls(
  input: HookClaim,
  _scope: Scope,
): Steps<{ readonly calls: HookCall[]; readonly some: boolean }> {
  if ((yield* first(anyHook)) === undefined) return { calls: [], some: false }
  const claimed = yield* claimInTurn(input)
  if (claimed.length === 0) return { calls: [], some: true }
  type Facts = { id: string; collectionId: string; url: string; credentials: string | null; insecure: number }
  const ids = idList(claimed.map(({ hookId }) => hookId))
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

function* claimInTurn({ at, holdMs, limit, perHook, perCollection, underWay }: HookClaim): Steps<Claimed[]> {
  type Waiting = { id: string; collectionId: string; silent: number }
  const hooks = yield* all<Waiting>(waitingHooks, at, at)
  const taken = new Map<string, number>()
  const take = (id: string, count: number) => taken.set(id, (taken.get(id) ?? 0) + count)
  for (const { hookId, collectionId } of underWay) for (const id of [hookId, collectionId]) take(id, 1)
  const claimed: Claimed[] = []
  for (const most of [1, perHook]) {
    for (const { id, collectionId, silent } of hooks) {
      const ofHook = (silent === 1 ? 1 : most) - (taken.get(id) ?? 0)
      const room = Math.min(ofHook, perCollection - (taken.get(collectionId) ?? 0), limit - claimed.length)
      if (room <= 0) continue
      const calls = yield* all<Claimed>(claim, at + holdMs, at, id, at, room)
      for (const each of [id, collectionId]) take(each, calls.length)
      claimed.push(...calls)
    }
  }
  return claimed
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
/** Keeps how a call went with its hook, unless a later one is there already. */
export const noteResult = sql(
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
