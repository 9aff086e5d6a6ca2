import type { FinishedState } from '@jobyard/jobs'
import type { Scope } from '../contract.ts'
import type { Steps } from '../sql.ts'
import { consequencesOf } from './consequences.ts'
import { insertRuns, type RequestOutcome } from './insert-runs.ts'
import { lockCores, type RunCore } from './run-core.ts'
import { type Settled, settle } from './settle.ts'
import { dropPendingTasks } from './stop-tasks.ts'

/** Everything that a transaction did to runs, for whoever must be told after its commit. */
export interface Changes {
  readonly settled: Settled[]
  readonly created: Extract<RequestOutcome, { ok: true }>[]
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
): Steps<Changes> {
  const settled = yield* settle(scope, cores, at, verdicts)
  const finished = cores.filter((core) => core.finishedAt === at)
  if (finished.length === 0) return { settled, created: [] }
  const consequences = yield* consequencesOf(scope, finished, at)
  if (consequences.requests.length === 0) return { settled: [...settled, ...consequences.released], created: [] }
  const { outcomes, replaced } = yield* insertRuns(scope, consequences.requests, at)
  const stopped = yield* stopRuns(scope, replaced, { code: 'replaced', text: 'A newer run took its place.' }, at)
  return {
    settled: [...settled, ...consequences.released, ...stopped.settled],
    created: [...outcomes.filter((outcome) => outcome.ok), ...stopped.created],
  }
}

/** Wants runs stopped: at once where nothing runs, and otherwise by their owners, who are told after the commit. */
export function* stopRuns(
  scope: Scope,
  runIds: readonly string[],
  reason: { readonly code: string; readonly text: string },
  at: number,
): Steps<Changes> {
  if (runIds.length === 0) return { settled: [], created: [] }
  const cores = [...(yield* lockCores(runIds)).values()].filter((core) => core.finishedAt === null)
  for (const core of cores) {
    core.wanted = 'stop'
    core.touched = true
    core.reasonCode = reason.code
    core.reasonText = reason.text
  }
  yield* dropPendingTasks(cores, reason, at)
  return yield* advance(scope, cores, at)
}
