import { messageOf } from '../../domain/error-message.ts'
import { decideMisfire, type MisfireDecision } from '../../domain/misfire.ts'
import type { Policy, TriggerSpec, Warning } from '../../domain/model.ts'
import { type Ncrontab, parseNcrontab } from '../../domain/ncrontab.ts'
import { nextOccurrence, type Schedule } from '../../domain/occurrences.ts'
import type { Scope } from '../contract.ts'
import { all, first, forEachRow, type Steps, sql, updateEach } from '../sql.ts'
import type { Changes } from './advance.ts'
import { createRuns } from './create-runs.ts'
import {
  entriesOf,
  type Passed,
  type Recorded,
  recordFresh,
  recordRefusals,
  sumMissed,
  toRequest,
} from './record-occurrences.ts'
import { STANDS_STILL } from './steering.ts'

const dueTriggers = sql(
  (d) => `select t.id, t.job_id as "jobId", t.detail, t.considered_at as "consideredAt", t.next_due as "nextDue",
      job.spec, job.policy, job.warnings from job_trigger t join job on job.id = t.job_id
    where t.next_due is not null and t.next_due <= ? and not ${STANDS_STILL} order by t.next_due, t.id limit ?${d.skipLocked && ' for update of t skip locked'}`,
)
const moveOn = updateEach('job_trigger', { id: 'text' }, { consideredAt: 'int', nextDue: 'int' })
const soonest = sql(
  `select t.next_due as due from job_trigger t join job on job.id = t.job_id
    where t.next_due is not null and not ${STANDS_STILL} order by t.next_due limit 1`,
)

const warn = updateEach('job', { id: 'text' }, { warnings: 'text' })

/** Occurrences that one tick puts on record before it leaves the other schedules to the next. */
const ROWS_AT_ONCE = 2000

interface DueTrigger {
  readonly id: string
  readonly jobId: string
  readonly detail: string
  readonly consideredAt: number | null
  readonly nextDue: number
  readonly spec: string
  readonly policy: string
  readonly warnings: string
}

/** A schedule that cannot be worked out, such as one in a time zone that this program does not know. It rests. */
export interface Unreadable {
  readonly jobId: string
  /** What is wrong, and what to do. */
  readonly message: string
}

/** What a tick of the schedules did. */
export interface Tick extends Changes {
  /** When the next occurrence of any schedule falls due, epoch milliseconds; null when there is none. */
  readonly nextDue: number | null
  /** What got no run: one entry per job for all that was missed, one per occurrence that was refused. */
  readonly passed: readonly Passed[]
  readonly unreadable: readonly Unreadable[]
}

/**
 * Makes a run for each occurrence that has fallen due, records what became of every one, and moves the schedules on.
 * An occurrence is on record once, so however many instances tick, it makes one run, also when the clock is put back, as
 * far as records go (see retention.ts) and beyond them as far as its run is kept. A tick takes on at most `limit` schedules, and no further one once it has {@link ROWS_AT_ONCE} occurrences to record; what is
 * left is due at once.
 */
export function* tickSchedules(
  { at, limit }: { readonly at: number; readonly limit: number },
  scope: Scope,
): Steps<Tick> {
  const due = yield* all<DueTrigger>(dueTriggers, at, scope.slot, limit)
  const { entries, moves, faults } = decideAll(scope, due, at)
  const fresh = yield* recordFresh(scope, entries)
  const runs = fresh.filter(({ outcome }) => outcome === 'ran')
  const created = runs.length === 0 ? NOTHING : yield* createRuns({ items: runs.map(toRequest), at }, scope)
  const refused = yield* recordRefusals(runs, created.outcomes)
  yield* forEachRow(moveOn, moves)
  const unreadable = yield* noteUnreadable(faults)
  return {
    settled: created.settled,
    created: created.created,
    refused: created.refused ?? [],
    passed: [...refused, ...sumMissed(fresh)],
    unreadable,
    nextDue: yield* readSoonest(scope),
  }
}

const NOTHING = { settled: [], created: [], refused: [], outcomes: [] }

/** Where a schedule stands after a tick. */
interface Move {
  readonly id: string
  readonly consideredAt: number | null
  readonly nextDue: number | null
}

interface Fault extends Unreadable {
  readonly warnings: string
}

function decideAll(scope: Scope, due: readonly DueTrigger[], at: number) {
  const entries: Recorded[] = []
  const moves: Move[] = []
  const faults: Fault[] = []
  for (const trigger of due) {
    if (entries.length >= ROWS_AT_ONCE) break
    try {
      const { decision, ncrontab } = decide(trigger, at)
      entries.push(...entriesOf(scope, trigger.jobId, decision, ncrontab, at))
      moves.push({ id: trigger.id, consideredAt: decision.considered, nextDue: decision.nextDue })
    } catch (error) {
      // One that cannot be worked out must not hold up all others.
      faults.push({ jobId: trigger.jobId, message: describeFault(trigger.detail, error), warnings: trigger.warnings })
      moves.push({ id: trigger.id, consideredAt: trigger.consideredAt, nextDue: null })
    }
  }
  return { entries, moves, faults }
}

/** What is wrong with a schedule that was good when it was stored. */
function describeFault(detail: string, error: unknown): string {
  const why = messageOf(error)
  return `The schedule ${detail} cannot be worked out any longer: ${why} It rests until the job is given another.`
}

/** Makes a warning on the job of each fault, for as long as the job stays as it is. */
function* noteUnreadable(faults: readonly Fault[]): Steps<Unreadable[]> {
  const rows = [...Map.groupBy(faults, ({ jobId }) => jobId)].map(([id, of]) => {
    const before = readWarnings(of[0]?.warnings)
    const fresh = of.map(({ message }) => ({ code: 'schedule-unreadable', message }))
    const others = before.filter(({ message }) => !fresh.some((warning) => warning.message === message))
    return { id, warnings: JSON.stringify([...others, ...fresh]) }
  })
  yield* forEachRow(warn, rows)
  return faults.map(({ jobId, message }) => ({ jobId, message }))
}

function readWarnings(text = '[]'): Warning[] {
  try {
    return JSON.parse(text)
  } catch {
    // What is broken here is told by the new warnings, which take its place.
    return []
  }
}

function* readSoonest({ slot }: Scope): Steps<number | null> {
  return (yield* first<{ due: number | null }>(soonest, slot))?.due ?? null
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
  // Whoever writes the runs reads it for all of them: where it cannot be read, it must be known before.
  if (decision.run.length > 0) JSON.parse(trigger.spec)
  return { decision, ncrontab: spec.ncrontab }
}
