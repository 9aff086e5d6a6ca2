import type { Steering } from '../../../domain/app-settings.ts'
import type { JobRow, RunRow } from '../../../domain/model.ts'
import { countShortRun, endedByItself, restartDelay, restartRule } from '../../../domain/restart.ts'
import { type ContinuousRunRow, TOLD_ANYWHERE } from '../../../store/procedures/continuous-runs.ts'
import { wentWithServer } from '../statuses.ts'
import type { ContinuousRun } from './run-lines.ts'

/** A run of a continuous job with what follows from those before it. */
export interface DescribedRun extends ContinuousRun {
  /** The wait until the next one, if it ended by itself, in milliseconds. */
  readonly waitMs: number
  /** How its instance was called; undefined: nobody noted it. */
  readonly called: string | undefined
}

/** The runs of a continuous job, and the rules that they follow. */
export interface RunsOfJob {
  readonly job: JobRow
  /** The newest first. */
  readonly runs: readonly RunRow[]
  /** What was noted of these runs when it came about. */
  readonly records: readonly ContinuousRunRow[]
  readonly steering: Steering
}

/** What is told of each run; the newest first. */
export function describeRuns(facts: RunsOfJob): DescribedRun[] {
  const records = new Map(facts.records.map((record) => [record.runId, record]))
  return workOut(facts).map((worked) => {
    const record = records.get(worked.run.id)
    if (record === undefined) return worked
    const { singleton, called, again, said, askedAt, waitMs } = record
    return {
      run: worked.run,
      singleton,
      again,
      saidSingleton: said ?? undefined,
      askedAt: askedAt ?? undefined,
      waitMs: waitMs ?? worked.waitMs,
      called: called ?? undefined,
    }
  })
}

/** What of runs without a record follows from the runs before them and the rules of today. */
function workOut({ job, runs, steering }: RunsOfJob): DescribedRun[] {
  const rule = restartRule(job.policy.restart, steering.restartMs)
  const latest = new Map<unknown, { readonly run: RunRow; readonly short: number }>()
  let latestOfAll: RunRow | undefined
  const described = runs.toReversed().map((run) => {
    const { place } = run.detail
    const singleton = isSingleton(run)
    const same = latest.get(place)
    // A singleton is everybody's; one run of an instance follows on the other's of the same instance.
    const previous = singleton ? latestOfAll : newer(same?.run, latest.get(TOLD_ANYWHERE)?.run)
    const counts = run.finishedAt !== null && endedByItself(run)
    const ranMs = (run.finishedAt ?? 0) - (run.startedAt ?? run.finishedAt ?? 0)
    const short = counts ? countShortRun(same?.short ?? 0, ranMs) : (same?.short ?? 0)
    latest.set(place, { run, short })
    latestOfAll = run
    const again = previous !== undefined && previous === same?.run && endedByItself(previous)
    const wait = { waitMs: restartDelay(rule, short), called: undefined }
    return { run, again, singleton, saidSingleton: saidBy(previous), ...wait }
  })
  return described.reverse()
}

function isSingleton({ detail }: RunRow): boolean {
  return detail.place === TOLD_ANYWHERE
}

function newer(one: RunRow | undefined, other: RunRow | undefined): RunRow | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.id > other.id ? one : other
}

/** What an instance still knows from a run to have said of the setting: nothing when it went with that run. */
function saidBy(run: RunRow | undefined): boolean | undefined {
  return run === undefined || wentWithServer(run) ? undefined : isSingleton(run)
}
