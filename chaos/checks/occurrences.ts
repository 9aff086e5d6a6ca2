import type { Ledger } from '../ledger.ts'
import type { OccurrenceRecord } from '../records.ts'
import type { Violations } from '../violations.ts'

/** A schedule that falls due every second, and the seconds that must be on record. Epoch milliseconds. */
export interface ScheduleSpan {
  readonly jobId: string
  /** The first occurrence must be no later than this. */
  readonly firstBy: number
  /** The last one must be no earlier than this. */
  readonly lastFrom: number
}

/** What was counted. */
export interface OccurrenceFigures {
  readonly occurrences: number
  readonly ran: number
  readonly skipped: number
  readonly missed: number
}

const SECOND = 1000

/**
 * Invariant 2. Every second of the span is on record exactly once as ran, skipped or missed, a ran one has exactly one
 * run, and every run of a schedule belongs to an occurrence that says so.
 */
export function checkOccurrences(
  ledger: Ledger,
  spans: readonly ScheduleSpan[],
  violations: Violations,
): OccurrenceFigures {
  const byJob = Map.groupBy(ledger.occurrences.values(), ({ jobId }) => jobId)
  for (const span of spans) checkSpan(span, byJob.get(span.jobId) ?? [], ledger.jobName(span.jobId), violations)
  checkRuns(ledger, violations)
  const all = [...ledger.occurrences.values()]
  const count = (outcome: string): number => all.filter((each) => each.outcome === outcome).length
  return { occurrences: all.length, ran: count('ran'), skipped: count('skipped'), missed: count('missed') }
}

function checkSpan(
  { firstBy, lastFrom }: ScheduleSpan,
  records: readonly OccurrenceRecord[],
  name: string,
  violations: Violations,
): void {
  const sorted = records.toSorted((a, b) => a.due - b.due)
  const first = sorted[0]
  const last = sorted.at(-1)
  if (first === undefined || last === undefined) {
    violations.add(2, `${name} has no occurrence on record`, null)
    return
  }
  if (first.due > firstBy) violations.add(2, `${name} begins at ${show(first.due)}, later than ${show(firstBy)}`, first)
  if (last.due < lastFrom) violations.add(2, `${name} ends at ${show(last.due)}, before ${show(lastFrom)}`, last)
  for (const [index, record] of sorted.entries()) {
    const before = sorted[index - 1]
    if (before === undefined) continue
    // An entry stands for the missed ones before it that are too many to be listed.
    const passed = (record.due - before.due) / SECOND - 1 - record.more
    if (passed > 0) {
      const text = `${passed} seconds of ${name} between ${show(before.due)} and ${show(record.due)} are not on record`
      violations.add(2, text, { before, record })
    }
  }
}

function checkRuns(ledger: Ledger, violations: Violations): void {
  const runsOf = new Map<string, string[]>()
  for (const run of ledger.runs.values()) {
    if (run.why !== 'schedule') continue
    const key = `${run.jobId} ${run.scheduledFor}`
    const ids = runsOf.get(key)
    if (ids === undefined) runsOf.set(key, [run.id])
    else ids.push(run.id)
    const occurrence = ledger.occurrences.get(key)
    if (occurrence?.runId !== run.id)
      violations.add(2, `run ${run.id} has no occurrence of its own`, { run, occurrence })
  }
  for (const [key, occurrence] of ledger.occurrences) {
    const runs = runsOf.get(key) ?? []
    const expected = occurrence.outcome === 'ran' ? 1 : 0
    if (runs.length !== expected) {
      const text = `occurrence ${show(occurrence.due)} of ${ledger.jobName(occurrence.jobId)}, ${occurrence.outcome}, has ${runs.length} runs`
      violations.add(2, text, { occurrence, runs })
    }
  }
}

function show(instant: number): string {
  return new Date(instant).toISOString()
}
