import type { Scope } from '../contract.ts'
import type { Steps } from '../sql.ts'
import { type Changes, stopRuns } from './advance.ts'
import { type AuditEntry, recordAudits } from './audit.ts'
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
  const inserted = yield* insertRuns(scope, requests, at)
  const { outcomes, replaced, claimed } = inserted
  yield* recordStarts(scope, requests, inserted, at)
  const stopped = yield* stopRuns(scope, replaced, { code: 'replaced', text: 'A newer run took its place.' }, at, 'now')
  return {
    outcomes: yield* showStopped(outcomes, new Set(replaced)),
    claimed,
    settled: stopped.settled,
    created: [...outcomes.filter((outcome) => outcome.ok), ...stopped.created],
    refused: stopped.refused ?? [],
  }
}

/** Puts on record which runs people have started. Of arguments and bodies nothing: they may hold secrets. */
function* recordStarts(
  scope: Scope,
  requests: readonly RunRequest[],
  { outcomes, jobs }: Inserted,
  at: number,
): Steps<void> {
  const entries = requests.flatMap(({ actor, why, detail: told }, index): AuditEntry[] => {
    const outcome = outcomes[index]
    const job = outcome?.ok === true ? jobs.get(outcome.jobId)?.job : undefined
    if (actor === undefined || outcome?.ok !== true || job === undefined) return []
    const { id: targetId, number } = outcome
    const target = { targetType: 'run', targetId, targetName: `${job.name} #${number}` }
    const { run, number: earlier } = told
    const repeats = why === 'rerun' ? { detail: { run, number: earlier } } : {}
    const action = why === 'rerun' ? 'run.rerun' : 'run.start'
    return [{ actor, action, ...target, ...repeats, collectionId: job.collectionId, startsOf: job.id }]
  })
  yield* recordAudits(scope, entries, at)
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
