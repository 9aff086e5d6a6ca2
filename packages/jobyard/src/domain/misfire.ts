import type { MisfirePolicy } from './model.ts'
import { countOccurrences, latestOccurrences, nextOccurrence, type Schedule } from './occurrences.ts'

/** How late an occurrence may be noticed, in milliseconds, before it counts as missed. */
export const MISFIRE_GRACE_MS = 5_000
/** How many occurrences one decision runs at most. */
export const MISFIRE_CAP = 1_000
/** How many missed occurrences one decision names one by one; the others are counted. */
export const MISFIRE_LISTED = 20

/** What a misfire decision is made from. Instants are epoch milliseconds. */
export interface MisfireQuestion {
  readonly schedule: Schedule
  /** Occurrences up to and with this instant have been dealt with. */
  readonly lastConsidered: number
  readonly now: number
  readonly policy: MisfirePolicy
  /** Default {@link MISFIRE_GRACE_MS}. */
  readonly graceMs?: number
  /** How many occurrences are run at most; default {@link MISFIRE_CAP}. */
  readonly cap?: number
  /** How many missed ones are named at most; default {@link MISFIRE_LISTED}. */
  readonly listed?: number
}

/** An occurrence that is to be run now. */
export interface DueOccurrence {
  readonly due: number
  /** Whether it makes up for a missed one; false: it is on time. */
  readonly late: boolean
}

/** Missed occurrences that are too many to be named; they lie before the ones that are. */
export interface UnlistedOccurrences {
  /** Their exact number. */
  readonly count: number
  readonly first: number
  /** All of them are earlier than this. */
  readonly before: number
}

/** What becomes of everything that fell due since the schedule was last looked at. */
export interface MisfireDecision {
  /** To run now, in rising order, the late ones first. */
  readonly run: readonly DueOccurrence[]
  /** To record as missed, in rising order: the latest, at most `listed`. */
  readonly missed: readonly number[]
  /** Exact number of missed occurrences that are not run, those not in `missed` included. */
  readonly missedCount: number
  /** The missed ones that are not in `missed`; null when all are. */
  readonly unlisted: UnlistedOccurrences | null
  /** The first occurrence after all of these; null when there is none. */
  readonly nextDue: number | null
  /** The next question's `lastConsidered`. It never goes back, whatever the clock does. */
  readonly considered: number
}

/**
 * Decides about the occurrences after `lastConsidered` and up to `now`. Those that are late by no more than the grace
 * run. The others are missed, and by policy:
 * - `skip`: none is made up for.
 * - `once`: the latest of them runs, if it is at most `windowMs` old and none is on time anyway; and when some are on time
 *   after others were missed, the latest of those alone: after a break there is one run.
 * - `all`: every one that is at most `windowMs` old runs; of more than `cap` the latest.
 *
 * The work is bounded by `cap`, by `listed` and by the months gone by, never by the number of occurrences. Azure's WebJobs have `once`
 * with ten minutes, but look at the first missed occurrence; here a frequent schedule is made up for as well.
 */
export function decideMisfire(question: MisfireQuestion): MisfireDecision {
  const { schedule, lastConsidered, now } = question
  const cap = question.cap ?? MISFIRE_CAP
  const considered = Math.max(now, lastConsidered)
  const nextDue = nextOccurrence(schedule, considered)
  if (now <= lastConsidered) return { run: [], missed: [], missedCount: 0, unlisted: null, nextDue, considered }
  const onTime = afterBreak(question, findOnTime(question, cap))
  const late = findLate(question, onTime, cap)
  const end = late[0] ?? onTime.from
  const missedCount = countOccurrences(schedule, lastConsidered, end)
  const listed = question.listed ?? MISFIRE_LISTED
  const missed = latestOccurrences(schedule, { after: lastConsidered, before: end, count: listed })
  const unlisted = describeUnlisted(question, missedCount - missed.length, missed[0] ?? end)
  const run = [...late.map((due) => ({ due, late: true })), ...onTime.due.map((due) => ({ due, late: false }))]
  return { run, missed, missedCount, unlisted, nextDue, considered }
}

/** Occurrences on time, and the instant from which on nothing is missed. */
interface OnTime {
  readonly due: readonly number[]
  readonly from: number
}

function findOnTime(question: MisfireQuestion, cap: number): OnTime {
  const { schedule, lastConsidered, now } = question
  const after = Math.max(lastConsidered, now - (question.graceMs ?? MISFIRE_GRACE_MS) - 1)
  const due = latestOccurrences(schedule, { after, before: now + 1, count: cap })
  return { due, from: due.length === cap ? (due[0] ?? now + 1) : after + 1 }
}

function afterBreak({ schedule, lastConsidered, policy }: MisfireQuestion, onTime: OnTime): OnTime {
  const latest = onTime.due.at(-1)
  if (policy.kind !== 'once' || latest === undefined || onTime.due.length === 1) return onTime
  const wasMissed = countOccurrences(schedule, lastConsidered, onTime.from) > 0
  return wasMissed ? { due: [latest], from: latest } : onTime
}

function findLate(question: MisfireQuestion, onTime: OnTime, cap: number): number[] {
  const { schedule, policy } = question
  if (policy.kind === 'skip' || (policy.kind === 'once' && onTime.due.length > 0)) return []
  const after = Math.max(question.lastConsidered, question.now - policy.windowMs - 1)
  const room = cap - onTime.due.length
  const count = policy.kind === 'once' ? Math.min(1, room) : room
  return latestOccurrences(schedule, { after, before: onTime.from, count })
}

function describeUnlisted(question: MisfireQuestion, count: number, before: number): UnlistedOccurrences | null {
  if (count === 0) return null
  return { count, first: nextOccurrence(question.schedule, question.lastConsidered) ?? before, before }
}
