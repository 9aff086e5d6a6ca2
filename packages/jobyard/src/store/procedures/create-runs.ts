import type { Scope } from '../contract.ts'
import { first, type Steps, sql } from '../sql.ts'
import { type Changes, stopRuns } from './advance.ts'
import { recordAudit } from './audit.ts'
import { type Inserted, insertRuns, type RequestOutcome, type RunRequest } from './insert-runs.ts'
import { mayTake } from './instances.ts'
import { lockReplaced } from './locks.ts'
import { getRun } from './read-runs.ts'

/** What came of requests for runs, each in its place. */
export interface CreatedRuns extends Changes {
  readonly outcomes: RequestOutcome[]
  readonly claimed: Inserted['claimed']
}

/** Writes runs with their messages, as far as the jobs' overlap rules allow. */
export function* createRuns(
  { items, at }: { readonly items: readonly RunRequest[]; readonly at: number },
  scope: Scope,
): Steps<CreatedRuns> {
  const requests = yield* withoutGone(items)
  yield* lockReplaced(
    scope,
    requests.map(({ jobId }) => jobId),
  )
  const { outcomes, replaced, claimed } = yield* insertRuns(scope, requests, at)
  yield* recordStarts(scope, requests, outcomes, at)
  const stopped = yield* stopRuns(scope, replaced, { code: 'replaced', text: 'A newer run took its place.' }, at, 'now')
  return {
    outcomes: yield* showStopped(outcomes, new Set(replaced)),
    claimed,
    settled: stopped.settled,
    created: [...outcomes.filter((outcome) => outcome.ok), ...stopped.created],
    refused: stopped.refused ?? [],
  }
}

const jobOf = sql('select name, collection_id as "collectionId" from job where id = ?')

/** Puts on record which runs people have started. Of arguments and bodies nothing: they may hold secrets. */
function* recordStarts(
  scope: Scope,
  requests: readonly RunRequest[],
  outcomes: readonly RequestOutcome[],
  at: number,
): Steps<void> {
  for (const [index, { actor, why, detail: told }] of requests.entries()) {
    const outcome = outcomes[index]
    if (actor === undefined || outcome?.ok !== true) continue
    const { id: targetId, jobId, number } = outcome
    const job = yield* first<{ name: string; collectionId: string }>(jobOf, jobId)
    const target = { targetType: 'run', targetId, targetName: `${job?.name ?? jobId} #${number}` }
    const { run, number: earlier } = told
    const repeats = why === 'rerun' ? { detail: { run, number: earlier } } : {}
    const entry = { actor, action: why === 'rerun' ? 'run.rerun' : 'run.start', ...target, ...repeats }
    yield* recordAudit(scope, { ...entry, collectionId: job?.collectionId ?? null }, at)
  }
}

/** Of several in one go only the newest runs: the others are shown as they are after their stop. */
function* showStopped(outcomes: readonly RequestOutcome[], stopped: ReadonlySet<string>): Steps<RequestOutcome[]> {
  const shown: RequestOutcome[] = []
  for (const outcome of outcomes) {
    if (outcome.ok && outcome.run !== undefined && stopped.has(outcome.id)) {
      const run = yield* getRun(outcome)
      shown.push(run === null ? outcome : { ...outcome, run })
    } else {
      shown.push(outcome)
    }
  }
  return shown
}

/** Requests as they are, but that an instance which was declared gone takes none of the runs at once. */
function* withoutGone(items: readonly RunRequest[]): Steps<readonly RunRequest[]> {
  const owner = items.find(({ claim }) => claim !== undefined)?.claim?.owner
  if (owner === undefined || (yield* mayTake(owner))) return items
  return items.map(({ claim: _gone, ...rest }) => rest)
}
