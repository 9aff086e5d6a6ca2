import type { Job, JobState, Run, State } from '@jobyard/client'
import type { Style } from './table.ts'

/** What stands where there is nothing. */
export const NOTHING = '-'

const local = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' })

/** A moment in local time, with its distance to UTC: `2026-11-21 03:00:00 +01:00`. */
export function sayTime(instant: string | null | undefined): string {
  if (instant === null || instant === undefined) return NOTHING
  const moment = new Date(instant)
  return `${local.format(moment)} ${sayOffset(-moment.getTimezoneOffset())}`
}

/** A moment by the clocks of a zone, with its distance to UTC. */
export function sayTimeIn(instant: string, timeZone: string): string {
  const there = Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone)
  return `${there.toPlainDateTime().toString({ smallestUnit: 'second' }).replace('T', ' ')} ${there.offset}`
}

/** When a job's schedules next fall due, by the clocks of the schedule that does, as its text speaks of them. */
export function sayNextDue({ nextDue, triggers }: Pick<Job, 'nextDue' | 'triggers'>): string {
  if (nextDue === null) return NOTHING
  const schedule = triggers.find((trigger) => trigger.type === 'schedule' && trigger.nextDue === nextDue)
  return schedule?.type === 'schedule' ? sayTimeIn(nextDue, schedule.timeZone) : sayTime(nextDue)
}

/** A moment in local time where there is little room: `2026-11-21 03:00:00`. */
export function sayShortTime(instant: string | null | undefined): string {
  return instant === null || instant === undefined ? NOTHING : local.format(new Date(instant))
}

function sayOffset(minutes: number): string {
  const distance = Math.abs(minutes)
  const parts = [Math.floor(distance / 60), distance % 60].map((part) => String(part).padStart(2, '0'))
  return `${minutes < 0 ? '-' : '+'}${parts.join(':')}`
}

/** A length of time as people say it: `350ms`, `4.2s`, `3m 12s`, `2h 5m`, `3d 4h`. */
export function sayDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`
  const seconds = milliseconds / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** A number of bytes as people say it: `512 B`, `1.5 MB`, in multiples of 1,024. */
export function saySize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`
}

/** A number and what is counted: `1 file`, `3 files`. */
export function sayCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The beginning of a hash, enough to tell it from others. */
export function sayHash(hash: string | null): string {
  return hash === null ? NOTHING : hash.slice(0, 12)
}

/** How long a run took, or has been going on at a moment. */
export function sayTook(run: Pick<Run, 'startedAt' | 'finishedAt'>, now: number): string {
  if (run.startedAt === null) return NOTHING
  const end = run.finishedAt === null ? now : new Date(run.finishedAt).getTime()
  return sayDuration(Math.max(0, end - new Date(run.startedAt).getTime()))
}

const STYLES: Readonly<Partial<Record<State | JobState, Style>>> = {
  running: 'cyan',
  restarting: 'yellow',
  waiting: 'green',
  completed: 'green',
  failed: 'red',
  'crash-loop': 'red',
  stopped: 'yellow',
  stopping: 'yellow',
  suspending: 'yellow',
  suspended: 'yellow',
}

/** The colour of a state. */
export function styleOf(state: State | JobState): Style | undefined {
  return STYLES[state]
}

/** How a run ended, in a few words: `exit code 3`, or its reason. */
export function sayEnd(run: Pick<Run, 'exitCode' | 'reason'>): string {
  if (run.reason !== null) return run.reason.text === '' ? run.reason.code : run.reason.text
  return run.exitCode === null ? '' : `exit code ${run.exitCode}`
}
