import { decideMisfire, type MisfireDecision } from '../../domain/misfire.ts'
import type { Policy, TriggerSpec } from '../../domain/model.ts'
import { type Ncrontab, parseNcrontab } from '../../domain/ncrontab.ts'
import { nextOccurrence, type Schedule } from '../../domain/occurrences.ts'
import type { Scope } from '../contract.ts'
import { all, first, forEachRow, insertEach, type Steps, sql, updateEach } from '../sql.ts'
import type { Changes } from './advance.ts'
import { createRuns } from './create-runs.ts'
import type { RequestOutcome, RunRequest } from './insert-runs.ts'

const dueTriggers = sql(
  (d) => `select t.id, t.job_id as "jobId", t.detail, t.considered_at as "consideredAt", t.next_due as "nextDue",
      job.policy from job_trigger t join job on job.id = t.job_id
    where t.next_due is not null and t.next_due <= ? order by t.next_due, t.id limit ?${d.skipLocked && ' for update of t skip locked'}`,
)
const record = insertEach(
  'occurrence',
  { jobId: 'text', due: 'int', outcome: 'text', reason: 'text', runId: 'text', more: 'int', recordedAt: 'int' },
  'on conflict (job_id, due) do nothing returning job_id as "jobId", due',
)
const correct = updateEach(
  'occurrence',
  { jobId: 'text', due: 'int' },
  { outcome: 'text', reason: 'text', runId: 'text' },
)
const moveOn = updateEach('job_trigger', { id: 'text' }, { consideredAt: 'int', nextDue: 'int' })
const soonest = sql('select min(next_due) as due from job_trigger where next_due is not null')

interface DueTrigger {
  readonly id: string
  readonly jobId: string
  readonly detail: string
  readonly consideredAt: number | null
  readonly nextDue: number
  readonly policy: string
}

/** One occurrence as it goes on record. */
interface Recorded {
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

/** What a tick of the schedules did. */
export interface Tick extends Changes {
  /** When the next occurrence of any schedule falls due, epoch milliseconds; null when there is none. */
  readonly nextDue: number | null
  /** Occurrences that got no run, with why. */
  readonly passed: readonly { readonly jobId: string; readonly due: number; readonly reason: string }[]
}

/**
 * Makes a run for each occurrence that has fallen due, records what became of every one, and moves the schedules on.
 * An occurrence is on record once, so however many instances tick, and whatever the clock does, it makes one run.
 */
export function* tickSchedules(
  { at, limit }: { readonly at: number; readonly limit: number },
  scope: Scope,
): Steps<Tick> {
  const due = yield* all<DueTrigger>(dueTriggers, at, limit)
  if (due.length === 0) return { settled: [], created: [], passed: [], nextDue: yield* readSoonest() }
  const decisions = due.map((trigger) => ({ trigger, ...decide(trigger, at) }))
  const entries = decisions.flatMap(({ trigger, decision, ncrontab }) => list(scope, trigger, decision, ncrontab, at))
  const fresh = yield* recordFresh(entries)
  const runs = fresh.filter(({ outcome }) => outcome === 'ran')
  const created = yield* createRuns({ items: runs.map(toRequest), at }, scope)
  const passed = yield* recordRefusals(runs, created.outcomes)
  const moves = decisions.map(({ trigger, decision }) => ({
    id: trigger.id,
    consideredAt: decision.considered,
    nextDue: decision.nextDue,
  }))
  yield* forEachRow(moveOn, moves)
  const missed = fresh.filter(({ outcome }) => outcome === 'missed')
  return {
    settled: created.settled,
    created: created.created,
    passed: [
      ...passed,
      ...missed.map(({ jobId, due: instant, reason }) => ({ jobId, due: instant, reason: reason ?? '' })),
    ],
    nextDue: yield* readSoonest(),
  }
}

function* readSoonest(): Steps<number | null> {
  return (yield* first<{ due: number | null }>(soonest))?.due ?? null
}

const parsed = new Map<string, Ncrontab>()

/** Reads a schedule's text, which was checked when it was stored; the same few texts come again and again. */
export function readSchedule(spec: { readonly ncrontab: string; readonly timeZone: string }): Schedule {
  let ncrontab = parsed.get(spec.ncrontab)
  if (ncrontab === undefined) {
    ncrontab = parseNcrontab(spec.ncrontab)
    if (parsed.size > 10_000) parsed.clear()
    parsed.set(spec.ncrontab, ncrontab)
  }
  return { ncrontab, timeZone: spec.timeZone }
}

/** When a schedule that is new or changed falls due for the first time. */
export function firstDue(spec: Extract<TriggerSpec, { type: 'schedule' }>, at: number): number | null {
  return nextOccurrence(readSchedule(spec), at)
}

function decide(trigger: DueTrigger, at: number): { decision: MisfireDecision; ncrontab: string } {
  const spec = JSON.parse(trigger.detail) as { ncrontab: string; timeZone: string }
  const { misfire } = JSON.parse(trigger.policy) as Policy
  const lastConsidered = trigger.consideredAt ?? trigger.nextDue - 1
  const decision = decideMisfire({ schedule: readSchedule(spec), lastConsidered, now: at, policy: misfire })
  return { decision, ncrontab: spec.ncrontab }
}

function list(
  scope: Scope,
  { jobId }: DueTrigger,
  decision: MisfireDecision,
  ncrontab: string,
  at: number,
): Recorded[] {
  const common = { jobId, recordedAt: at, ncrontab }
  const missed = decision.missed.map((due, index) => ({
    ...common,
    due,
    outcome: 'missed' as const,
    reason: 'Nobody was there to run it in time.',
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
function* recordFresh(entries: readonly Recorded[]): Steps<Recorded[]> {
  if (entries.length === 0) return []
  const rows = yield* forEachRow<{ jobId: string; due: number }>(record, entries)
  const fresh = new Set(rows.map(({ jobId, due }) => `${jobId} ${due}`))
  // Two schedules of one job that name the same instant make one run: the first entry of each key.
  return entries.filter(({ jobId, due }) => fresh.delete(`${jobId} ${due}`))
}

function toRequest({ runId, jobId, due, late, ncrontab }: Recorded): RunRequest {
  return {
    id: runId ?? '',
    jobId,
    why: 'schedule',
    detail: { ncrontab, due: new Date(due).toISOString(), ...(late ? { late: true } : {}) },
    args: [],
    scheduledFor: due,
  }
}

function* recordRefusals(
  runs: readonly Recorded[],
  outcomes: readonly RequestOutcome[],
): Steps<{ jobId: string; due: number; reason: string }[]> {
  const refused = runs.flatMap(({ jobId, due }, index) => {
    const outcome = outcomes[index]
    return outcome === undefined || outcome.ok ? [] : [{ jobId, due, reason: outcome.text }]
  })
  yield* forEachRow(
    correct,
    refused.map((entry) => ({ ...entry, outcome: 'skipped', runId: null })),
  )
  return refused
}

const ahead = sql(
  `select id, job_id as "jobId", detail from job_trigger where considered_at > ? and type = 'schedule' limit ?`,
)

/**
 * Sets schedules back that have been looked at later than now: the clock was ahead and was put right. Without this they
 * would rest until it is that late again. Occurrences that are on record do not run a second time.
 */
export function* rewindSchedules(
  { at, limit }: { readonly at: number; readonly limit: number },
  _scope: Scope,
): Steps<{ readonly more: boolean }> {
  const rows = yield* all<{ id: string; detail: string }>(ahead, at, limit)
  const moves = rows.map(({ id, detail }) => {
    const schedule = readSchedule(JSON.parse(detail) as { ncrontab: string; timeZone: string })
    return { id, consideredAt: at, nextDue: nextOccurrence(schedule, at) }
  })
  if (moves.length > 0) yield* forEachRow(moveOn, moves)
  return { more: rows.length === limit }
}
