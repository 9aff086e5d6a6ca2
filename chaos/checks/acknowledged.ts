import { isFinished, type Ledger } from '../ledger.ts'
import type { RunRecord } from '../records.ts'
import type { Violations } from '../violations.ts'

/** What was counted. */
export interface AcknowledgedFigures {
  readonly asked: number
  readonly acknowledged: number
  readonly refused: number
  readonly sentAgain: number
  readonly unanswered: number
}

/** Runs by the token among their arguments. Reruns have the token of an earlier run and are left out. */
function byToken(ledger: Ledger): Map<string, RunRecord[]> {
  const found = new Map<string, RunRecord[]>()
  for (const run of ledger.runs.values()) {
    if (run.why !== 'manual') continue
    const token = (JSON.parse(run.args) as string[])[3]
    if (token === undefined) continue
    const runs = found.get(token)
    if (runs === undefined) found.set(token, [run])
    else runs.push(run)
  }
  return found
}

/** Which requests are judged, and how strictly. */
export interface AcknowledgedOptions {
  /** All runs must have ended or rest. */
  readonly quiet: boolean
  /** Jobs of which retention may have taken runs before anybody looked. */
  readonly exempt: ReadonlySet<string>
  /** Requests answered after this instant, epoch milliseconds, are not judged: the look at the database may be older. */
  readonly before: number
}

/**
 * Invariant 1. A request that got a 201 made exactly one run, the one that was named, however often it was sent; one that
 * was refused made none. With `quiet`, every acknowledged run has ended or rests.
 */
export function checkAcknowledged(
  ledger: Ledger,
  violations: Violations,
  { quiet, exempt, before }: AcknowledgedOptions,
): AcknowledgedFigures {
  const found = byToken(ledger)
  const requests = [...ledger.requests.values()]
  for (const request of requests) {
    const runs = found.get(request.token) ?? []
    if (runs.length > 1) violations.add(1, `request ${request.token} made ${runs.length} runs`, { request, runs })
    const { answer } = request
    if (answer === undefined || answer.at >= before) continue
    if (answer.status !== 201) {
      if (runs.length > 0)
        violations.add(1, `request ${request.token} was refused and made a run all the same`, { request, runs })
      continue
    }
    if (exempt.has(request.job)) continue
    const run = ledger.runs.get(answer.runId ?? '')
    if (run === undefined) violations.add(1, `run ${answer.runId} was acknowledged and is not there`, request)
    else if (runs[0]?.id !== run.id)
      violations.add(1, `request ${request.token} got the run of another`, { request, run })
    else if (quiet && !rests(run)) violations.add(1, `run ${run.id} was acknowledged and has not ended`, run)
  }
  const acknowledged = requests.filter(({ answer }) => answer?.status === 201)
  return {
    asked: requests.length,
    acknowledged: acknowledged.length,
    refused: requests.filter(({ answer }) => answer !== undefined && answer.status !== 201).length,
    sentAgain: requests.filter(({ sent }) => sent > 1).length,
    unanswered: requests.filter(({ answer }) => answer === undefined).length,
  }
}

function rests(run: RunRecord): boolean {
  return isFinished(run.state) || (run.wanted === 'suspend' && run.state === 'suspended')
}

/**
 * Invariant 1, for runs that follow others: the end of a run and what it brings about are one transaction, so each run
 * of the first job that ended as `states` say is followed by exactly one of the second.
 */
export function checkFollowers(
  ledger: Ledger,
  violations: Violations,
  {
    leader,
    follower,
    states,
  }: { readonly leader: string; readonly follower: string; readonly states: ReadonlySet<string> },
): number {
  const followers = new Map<string, number>()
  for (const run of ledger.runs.values()) {
    if (run.why !== 'after' || ledger.jobName(run.jobId) !== follower) continue
    const of = (JSON.parse(run.detail) as { run: string }).run
    followers.set(of, (followers.get(of) ?? 0) + 1)
  }
  let followed = 0
  for (const run of ledger.runs.values()) {
    if (ledger.jobName(run.jobId) !== leader) continue
    const expected = isFinished(run.state) && states.has(run.state) ? 1 : 0
    const actual = followers.get(run.id) ?? 0
    followed += actual
    if (actual !== expected) {
      violations.add(1, `run ${run.id}, ${run.state}, is followed by ${actual} runs instead of ${expected}`, run)
    }
  }
  return followed
}
