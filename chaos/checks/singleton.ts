import type { Availability } from '../availability.ts'
import type { Ledger } from '../ledger.ts'
import type { Lifetime, Marks } from '../marks.ts'
import type { RunRecord } from '../records.ts'
import type { Violations } from '../violations.ts'

/** What was counted. Durations in milliseconds. */
export interface SingletonFigures {
  readonly lifetimes: number
  /** From the last sign of one lifetime to the first of the next. */
  readonly gaps: readonly number[]
}

/**
 * Invariant 5, from the marks and the runs of a continuous job. Two lifetimes at the same place never overlap, and where
 * there was a server with a database, a place was not empty for longer than `withinMs`.
 */
export function checkContinuous(
  job: string,
  {
    marks,
    ledger,
    availability,
  }: { readonly marks: Marks; readonly ledger: Ledger; readonly availability: Availability },
  violations: Violations,
  { singleton, withinMs }: { readonly singleton: boolean; readonly withinMs: number },
): SingletonFigures {
  const runs = [...ledger.runs.values()].filter(({ jobId }) => ledger.jobName(jobId) === job)
  const byPlace = Map.groupBy(runs, ({ detail }) => (singleton ? '*' : placeOf(detail)))
  const gaps: number[] = []
  let lifetimes = 0
  for (const [place, placed] of byPlace) {
    const lives = livesOf(placed, marks)
    lifetimes += lives.length
    for (const [index, life] of lives.entries()) {
      const before = lives[index - 1]
      if (before === undefined) continue
      gaps.push(life.first - before.last)
      if (life.first <= before.last) {
        const text = `${job} at ${place} lived twice at the same time: tasks ${before.taskId} and ${life.taskId}`
        violations.add(5, text, { before, life })
      }
    }
    // A place of one instance is empty while that is away: only the singleton's emptiness can be judged from here.
    if (singleton) checkEmptiness(job, placed, availability, violations, withinMs)
  }
  return { lifetimes, gaps }
}

function placeOf(detail: string): string {
  return (JSON.parse(detail) as { place: string }).place
}

function livesOf(runs: readonly RunRecord[], marks: Marks): Lifetime[] {
  const ids = new Set(runs.map(({ id }) => id))
  return [...marks.lifetimes.values()].filter(({ runId }) => ids.has(runId)).toSorted((a, b) => a.first - b.first)
}

function checkEmptiness(
  job: string,
  runs: readonly RunRecord[],
  availability: Availability,
  violations: Violations,
  withinMs: number,
): void {
  const sorted = runs.toSorted((a, b) => a.createdAt - b.createdAt)
  for (const [index, run] of sorted.entries()) {
    const before = sorted[index - 1]
    if (before === undefined) continue
    if (before.finishedAt === null || before.finishedAt > run.createdAt) {
      violations.add(5, `${job} had two runs at the same time: ${before.id} and ${run.id}`, { before, run })
      continue
    }
    const empty = availability.between(before.finishedAt, run.createdAt)
    if (empty <= withinMs) continue
    violations.add(5, `${job} did not run for ${Math.round(empty)} ms although it could: before ${run.id}`, {
      before,
      run,
    })
  }
}
