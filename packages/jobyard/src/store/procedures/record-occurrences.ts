import type { MisfireDecision } from '../../domain/misfire.ts'
import type { Scope } from '../contract.ts'
import { all, forEachRow, insertEach, type Steps, sql, updateEach } from '../sql.ts'
import type { RequestOutcome, RunRequest } from './insert-runs.ts'
import { namesHere } from './steering.ts'

const record = insertEach(
  'occurrence',
  {
    jobId: 'text',
    due: 'int',
    outcome: 'text',
    reason: 'text',
    runId: 'text',
    more: 'int',
    recordedAt: 'int',
    called: 'text',
  },
  'on conflict (job_id, due) do nothing returning job_id as "jobId", due',
)
const correct = updateEach(
  'occurrence',
  { jobId: 'text', due: 'int' },
  { outcome: 'text', reason: 'text', runId: 'text' },
)
const made = sql(
  (
    d,
  ) => `select run.job_id as "jobId", run.scheduled_for as due, run.id as "runId" from ${d.rows({ jobId: 'text', due: 'int' })} as v
    join run on run.job_id = v."jobId" and run.scheduled_for = v.due where run.scheduled_for is not null`,
)
const MISSED = 'Nobody was there to run it in time.'

/** One occurrence as it goes on record. */
export interface Recorded {
  readonly jobId: string
  readonly due: number
  readonly outcome: 'ran' | 'missed'
  readonly reason: string | null
  readonly runId: string | null
  /** Missed occurrences before this one that are too many to be listed. */
  readonly more: number
  readonly recordedAt: number
  readonly late: boolean
  readonly ncrontab: string
}

/** Occurrences of a job that got no run. */
export interface Passed {
  readonly jobId: string
  /** The latest of them, epoch milliseconds. */
  readonly due: number
  readonly count: number
  readonly reason: string
}

/** What a decision puts on record. */
export function entriesOf(
  scope: Scope,
  jobId: string,
  decision: MisfireDecision,
  ncrontab: string,
  at: number,
): Recorded[] {
  const common = { jobId, recordedAt: at, ncrontab }
  const missed = decision.missed.map((due, index) => ({
    ...common,
    due,
    outcome: 'missed' as const,
    reason: MISSED,
    runId: null,
    more: index === 0 ? (decision.unlisted?.count ?? 0) : 0,
    late: true,
  }))
  const runs = decision.run.map(({ due, late }) => ({
    ...common,
    due,
    outcome: 'ran' as const,
    reason: late ? 'It made up for a missed time.' : null,
    runId: scope.ids.next(),
    more: 0,
    late,
  }))
  return [...missed, ...runs]
}

/** Puts occurrences on record and gives back those that nobody had recorded before. */
export function* recordFresh(scope: Scope, entries: readonly Recorded[]): Steps<Recorded[]> {
  if (entries.length === 0) return []
  const called = yield* namesHere(
    scope,
    entries.map(({ jobId }) => jobId),
  )
  // In the order of their keys, so that no two who record those of the same jobs wait for each other in a ring.
  const ordered = entries.toSorted((a, b) => (a.jobId === b.jobId ? a.due - b.due : a.jobId < b.jobId ? -1 : 1))
  const rows = yield* forEachRow<{ jobId: string; due: number }>(
    record,
    ordered.map((entry) => ({ ...entry, called: called.get(entry.jobId) ?? null })),
  )
  const fresh = new Set(rows.map(({ jobId, due }) => `${jobId} ${due}`))
  // After the clock was put back, the record of a run may have been pruned while the run itself is kept.
  const kept = yield* all<{ jobId: string; due: number; runId: string }>(made, JSON.stringify(rows))
  for (const { jobId, due } of kept) fresh.delete(`${jobId} ${due}`)
  yield* forEachRow(
    correct,
    kept.map((entry) => ({ ...entry, outcome: 'ran', reason: null })),
  )
  // Two schedules of one job that name the same instant make one run: the first entry of each key.
  return entries.filter(({ jobId, due }) => fresh.delete(`${jobId} ${due}`))
}

/** The run that an occurrence asks for. */
export function toRequest({ runId, jobId, due, late, ncrontab }: Recorded): RunRequest {
  return {
    id: runId ?? '',
    jobId,
    why: 'schedule',
    detail: { ncrontab, due: new Date(due).toISOString(), ...(late ? { late: true } : {}) },
    args: [],
    scheduledFor: due,
  }
}

/** Sets right what was to run and was refused. */
export function* recordRefusals(runs: readonly Recorded[], outcomes: readonly RequestOutcome[]): Steps<Passed[]> {
  const refused = runs.flatMap(({ jobId, due }, index) => {
    const outcome = outcomes[index]
    return outcome === undefined || outcome.ok ? [] : [{ jobId, due, count: 1, reason: outcome.text }]
  })
  yield* forEachRow(
    correct,
    refused.map((entry) => ({ ...entry, outcome: 'skipped', runId: null })),
  )
  return refused
}

/** All that a job missed in one entry: after a long break there may be very many. */
export function sumMissed(fresh: readonly Recorded[]): Passed[] {
  const missed = Map.groupBy(
    fresh.filter(({ outcome }) => outcome === 'missed'),
    ({ jobId }) => jobId,
  )
  return [...missed].map(([jobId, of]) => ({
    jobId,
    due: Math.max(...of.map(({ due }) => due)),
    count: of.reduce((sum, { more }) => sum + 1 + more, 0),
    reason: MISSED,
  }))
}
