import type { Policy } from '../../domain/model.ts'
import { nextOccurrence } from '../../domain/occurrences.ts'
import { restartDelay, restartRule } from '../../domain/restart.ts'
import type { Scope } from '../contract.ts'
import { idList, all, execute, forEachRow, type Steps, sql, updateEach } from '../sql.ts'
import { nextAttemptOf } from './pending-tasks.ts'
import { readSchedule } from './schedules.ts'
import { amountOf } from './steering.ts'

/*
 * What was written while the clock was ahead names times that now lie far in the future. Nothing may rest until the
 * clock has caught up, so each of these procedures gives one kind of waiting its distance from now again. They are to be
 * called in the order of this file, again and again while there is more; calling them once too often does no harm.
 */

const ahead = sql(
  (d) =>
    `select id, detail from job_trigger where considered_at > ? and type = 'schedule' order by id limit ?${d.forUpdate}`,
)
const moveBack = updateEach('job_trigger', { id: 'text' }, { consideredAt: 'int', nextDue: 'int' })

/** Schedules that have been looked at later than now. Occurrences that are on record do not run a second time. */
export function* rewindSchedules(
  { at, limit }: { readonly at: number; readonly limit: number },
  _scope: Scope,
): Steps<{ readonly more: boolean }> {
  const rows = yield* all<{ id: string; detail: string }>(ahead, at, limit)
  const moves = rows.map(({ id, detail }) => ({ id, consideredAt: at, nextDue: dueAfter(detail, at) }))
  yield* forEachRow(moveBack, moves)
  return { more: rows.length === limit }
}

function dueAfter(detail: string, at: number): number | null {
  try {
    return nextOccurrence(readSchedule(JSON.parse(detail)), at)
  } catch {
    // The next tick meets the same fault and says so to those who must know.
    return at
  }
}

// In the order of their indexes and not of their ids, so that the many that wait for nothing are not looked at; without
// waiting for whoever has one of them, which goes by the order of ids.
const lateAttempts = sql(
  (d) => `select id from task where state = 'pending' and not_before > ? and created_at > ?
    order by not_before limit ?${d.forUpdateNow}`,
)
const parkedAhead = sql(
  (d) => `select id from task where parked_until > ? and started_at > ? order by parked_until limit ?${d.forUpdateNow}`,
)
const bringAttempts = sql(
  (d) => `update task set not_before = cast(? as bigint) + not_before - created_at, created_at = ?
    where id in ${d.ids}`,
)
const bringParked = sql(
  (d) => `update task set parked_until = cast(? as bigint) + parked_until - started_at, started_at = ?
    where id in ${d.ids}`,
)

/** Attempts that wait for their time, and parked ones with their deadlines: as if they had been made now. */
export function* rewindTasks({
  at,
  limit,
}: {
  readonly at: number
  readonly limit: number
}): Steps<{ readonly more: boolean }> {
  const attempts = yield* all<{ id: string }>(lateAttempts, at, at, limit)
  if (attempts.length > 0) yield* execute(bringAttempts, at, at, idList(attempts.map(({ id }) => id)))
  const parked = yield* all<{ id: string }>(parkedAhead, at, at, limit)
  if (parked.length > 0) yield* execute(bringParked, at, at, idList(parked.map(({ id }) => id)))
  return { more: attempts.length === limit || parked.length === limit }
}

const lateRuns = sql(
  (d) => `select id, fence, created_at as "createdAt", dispatch_at as "dispatchAt",
      ${nextAttemptOf('run')} as "nextAttempt"
    from run where dispatch_at is not null and (dispatch_at, id) > (?, ?) order by dispatch_at, id limit ?${d.forUpdateNow}`,
)
const bringRuns = updateEach('run', { id: 'text' }, { dispatchAt: 'int' })
const lastSeen = sql('select max(seen_at) as seen from instance')

interface LateRun {
  readonly id: string
  readonly fence: number
  readonly createdAt: number
  readonly dispatchAt: number
  readonly nextAttempt: number | null
}

/** Where a call of {@link rewindRuns} ended: the next begins behind it. */
export interface RewindPlace {
  readonly dispatchAt: number
  readonly id: string
}

/**
 * Runs that are up for dispatch. `was` is what the clock showed at the latest before it was put back, null when nobody
 * knows. Answers where to go on, null at the end.
 */
export function* rewindRuns(
  input: {
    readonly at: number
    readonly was: number | null
    readonly after: RewindPlace | null
    readonly limit: number
  },
  scope: Pick<Scope, 'send'>,
): Steps<RewindPlace | null> {
  const { at, after, limit } = input
  // No id is greater than this one.
  const { dispatchAt: from, id: behind } = after ?? { dispatchAt: at, id: 'g' }
  const rows = yield* all<LateRun>(lateRuns, from, behind, limit)
  const was = input.was ?? (yield* all<{ seen: number | null }>(lastSeen))[0]?.seen ?? at
  const moves = rows.flatMap((run) => {
    const due = dispatchTime(run, at, was)
    return due < run.dispatchAt ? [{ id: run.id, dispatchAt: due }] : []
  })
  yield* forEachRow(bringRuns, moves)
  if (moves.length > 0) yield* scope.send(moves.map(({ id, dispatchAt }) => ({ runId: id, at: dispatchAt })))
  const last = rows.at(-1)
  return last === undefined || rows.length < limit ? null : { dispatchAt: last.dispatchAt, id: last.id }
}

/** With its first attempt, or at once; only one that nobody has taken yet may have been asked for at a later time. */
function dispatchTime({ fence, createdAt, dispatchAt, nextAttempt }: LateRun, at: number, was: number): number {
  if (nextAttempt !== null) return Math.max(at, nextAttempt)
  return fence > 0 || dispatchAt <= Math.max(was, createdAt) ? at : dispatchAt
}

const RESTING = `select c.job_id as "jobId", c.place, c.quick_ends as "quickEnds", job.policy, ${amountOf('restart')} as "restartMs"
    from continuous c join job on job.id = c.job_id where c.restart_at > ?`
const restingPlaces = sql(RESTING)
const restingPlacesOf = sql(`${RESTING} and c.job_id = ?`)
const bringPlace = sql('update continuous set restart_at = ? where job_id = ? and place = ? and restart_at > ?')

interface RestingPlace {
  readonly jobId: string
  readonly place: string
  readonly quickEnds: number
  readonly policy: string
  readonly restartMs: number | null
}

/** Places of continuous jobs: they rest no longer than the rule has it. */
export function* rewindPlaces({ at }: { readonly at: number }, { slot }: Scope): Steps<void> {
  yield* bringNearer(yield* all<RestingPlace>(restingPlaces, slot, at), at)
}

/** Has a shorter rest that a job was given count for the one that is under way. */
export function* shortenRest({ slot }: Scope, jobId: string, at: number): Steps<void> {
  yield* bringNearer(yield* all<RestingPlace>(restingPlacesOf, slot, at, jobId), at)
}

function* bringNearer(rows: readonly RestingPlace[], at: number): Steps<void> {
  for (const { jobId, place, quickEnds, policy, restartMs } of rows) {
    const rule = restartRule((JSON.parse(policy) as Policy).restart, restartMs)
    const latest = at + restartDelay(rule, quickEnds)
    yield* execute(bringPlace, latest, jobId, place, latest)
  }
}
