import type { FinishedState } from '@jobyard/jobs'
import type { Scope } from '../contract.ts'
import type { Steps } from '../sql.ts'
import { consequencesOf } from './consequences.ts'
import { noteAsked } from './continuous-runs.ts'
import { noteEndedRuns } from './hook-causes.ts'
import { insertRuns, type RequestOutcome } from './insert-runs.ts'
import { lockAround } from './locks.ts'
import { type Refused, recordRefused, refusedOf } from './refusals.ts'
import { lockCores, type RunCore } from './run-core.ts'
import { type Settled, settle } from './settle.ts'
import { dropPendingTasks } from './stop-tasks.ts'

/** Everything that a transaction did to runs, for whoever must be told after its commit. */
export interface Changes {
  readonly settled: Settled[]
  readonly created: Extract<RequestOutcome, { ok: true }>[]
  /** Runs that ends asked for in vain; they are on record. Absent: none. */
  readonly refused?: readonly Refused[]
}

/**
 * Settles changed runs and does what the end of a run brings about: the next of its job's queue, jobs that follow it,
 * the action on failure, the restart of a continuous job. All of it is in the transaction that ended the run, so no crash
 * comes between.
 */
export function* advance(
  scope: Scope,
  cores: readonly RunCore[],
  at: number,
  verdicts?: ReadonlyMap<string, FinishedState>,
  how: 'wait' | 'now' = 'wait',
): Steps<Changes> {
  const settled = yield* settle(scope, cores, at, verdicts)
  const finished = cores.filter((core) => core.finishedAt === at)
  if (finished.length === 0) return { settled, created: [] }
  yield* lockAround(scope, finished, how)
  yield* noteEndedRuns(scope, finished, at)
  const consequences = yield* consequencesOf(scope, finished, at)
  const { requests, released } = consequences
  if (requests.length + consequences.refused.length === 0) return { settled: [...settled, ...released], created: [] }
  const { outcomes, replaced } = yield* insertRuns(scope, requests, at)
  const refused = [...consequences.refused, ...refusedOf(requests, outcomes)]
  yield* recordRefused(refused, at)
  const stopped = yield* stopRuns(scope, replaced, { code: 'replaced', text: 'A newer run took its place.' }, at, 'now')
  return {
    settled: [...settled, ...released, ...stopped.settled],
    created: [...outcomes.filter((outcome) => outcome.ok), ...stopped.created],
    refused: [...refused, ...(stopped.refused ?? [])],
  }
}

/**
 * Wants runs stopped: at once where nothing runs, and otherwise by their owners, who are told after the commit. Those
 * that are to end already keep their first reason. `how` they are locked: `now` where jobs are held (see locks.ts).
 */
export function* stopRuns(
  scope: Scope,
  runIds: readonly string[],
  reason: { readonly code: string; readonly text: string },
  at: number,
  how: 'wait' | 'now' = 'wait',
): Steps<Changes> {
  if (runIds.length === 0) return { settled: [], created: [] }
  const cores = [...(yield* lockCores(runIds, how)).values()].filter(
    (core) => core.finishedAt === null && core.wanted !== 'stop',
  )
  for (const core of cores) {
    core.wanted = 'stop'
    core.touched = true
    core.reasonCode = reason.code
    core.reasonText = reason.text
  }
  yield* noteAsked(cores, at)
  yield* dropPendingTasks(cores, reason, at)
  return yield* advance(scope, cores, at, undefined, how)
}
