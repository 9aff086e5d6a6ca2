import type { Scope } from '../contract.ts'
import { all, first, forEachRow, idList, insertEach, type Steps, sql } from '../sql.ts'
import type { HookEvent } from './hooks.ts'

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
    where hook.event = 'run-finished' and run.id in ${d.ids}
      and run.why <> 'continuous' and job.type <> 'continuous'
    order by run.id, hook.id`,
)
const someHook = sql(`select 1 as found from hook where event = 'run-finished' limit 1`)
const hooksFor = sql('select id as "hookId" from hook where collection_id = ? and event = ? order by id')

/** Writes down the calls that ended runs bring about; in the transaction that ends them, so that none is forgotten. */
export function* noteEndedRuns(scope: Scope, ended: readonly { readonly id: string }[], at: number): Steps<void> {
  if ((yield* first(someHook)) === undefined) return
  const ids = idList(ended.map(({ id }) => id))
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
