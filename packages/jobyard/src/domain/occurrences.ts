import type { Ncrontab } from './ncrontab.ts'
import { countLocalTimes, FIRST_SECOND, LAST_SECOND, nextLocalTime } from './ncrontab-times.ts'
import { zoneOffsets } from './zone.ts'
import type { ZoneOffsets } from './zone-offsets.ts'

/*
 * The clock-change rule. A schedule whose hour field leaves nothing out follows elapsed time: every instant whose local
 * time matches, in both passes of an overlap and never in a gap. Any other names local times, and each happens once:
 * at the first instant at which the zone's clocks show it or have jumped over it. That one definition gives the first
 * valid instant after a gap (where several then coincide and are one) and the first pass of an overlap, and it never
 * decreases with the local time, so a search by local time finds instants in order.
 */

/** When something happens: a schedule text and the zone whose local time it is about. */
export interface Schedule {
  readonly ncrontab: Ncrontab
  /** An IANA name as `requireZone` gives it. */
  readonly timeZone: string
}

/** Which occurrences are wanted. Instants are epoch milliseconds; both ends are exclusive. */
export interface OccurrenceRange {
  readonly after: number
  /** No end when left out, other than the year 9999. */
  readonly before?: number
  /** At most so many. */
  readonly count: number
}

/** One occurrence as people read it. */
export interface PreviewedOccurrence {
  /** Such as `2026-03-08T07:00:00.000Z`. */
  readonly utc: string
  /** The wall clock at that instant, such as `2026-03-08T03:00:00`. */
  readonly local: string
  /** Local time minus UTC, such as `-04:00`, with seconds where history has them. */
  readonly offset: string
}

/**
 * The first occurrence strictly after `after`, in epoch milliseconds; null when there is none up to the year 9999.
 * Occurrences are whole seconds. Throws 'time-zone-unknown', and RangeError when `after` is no finite number.
 */
export function nextOccurrence(schedule: Schedule, after: number): number | null {
  const base = wholeSecond(after)
  if (base > LAST_SECOND || !schedule.ncrontab.possible) return null
  const second = nextSecond(schedule, base)
  return second === null || second > LAST_SECOND ? null : second * 1000
}

/** The occurrences of a range in order, each in epoch milliseconds, found one by one as they are asked for. */
export function* occurrences(schedule: Schedule, range: OccurrenceRange): Generator<number, void, undefined> {
  let due = nextOccurrence(schedule, range.after)
  for (let left = range.count; left > 0 && due !== null; left -= 1) {
    if (range.before !== undefined && due >= range.before) return
    yield due
    due = left > 1 ? nextOccurrence(schedule, due) : null
  }
}

/** The occurrences of a range for showing: in UTC, by the local clock, and the offset between the two. */
export function previewOccurrences(schedule: Schedule, range: OccurrenceRange): PreviewedOccurrence[] {
  const zone = zoneOffsets(schedule.timeZone)
  return Array.from(occurrences(schedule, range), (due) => {
    const offset = zone === null ? 0 : zone.at(due / 1000).offset
    return {
      utc: new Date(due).toISOString(),
      local: new Date(due + offset * 1000).toISOString().slice(0, -5),
      offset: offsetText(offset),
    }
  })
}

/**
 * How many occurrences lie strictly after `after` and strictly before `before`: the exact number, without going through
 * them. The cost grows with the months and clock changes in between, not with the number.
 */
export function countOccurrences(schedule: Schedule, after: number, before: number): number {
  const first = wholeSecond(after) + 1
  const end = Math.min(Math.ceil(before / 1000), LAST_SECOND + 1)
  if (end <= first || !schedule.ncrontab.possible) return 0
  const zone = zoneOffsets(schedule.timeZone)
  if (zone === null) return countLocalTimes(schedule.ncrontab, first, end)
  if (schedule.ncrontab.everyHour) return countElapsed(schedule.ncrontab, zone, first, end)
  return countNamed(schedule.ncrontab, zone, first, end)
}

/** The last occurrences of a range with an end, at most `count`, in rising order. */
export function latestOccurrences(schedule: Schedule, range: Required<OccurrenceRange>): number[] {
  const { before, count } = range
  if (count <= 0) return []
  let span = 3_600_000
  while (before - span > range.after && countOccurrences(schedule, before - span, before) < count) span *= 2
  const earliest = Math.max(range.after, before - span)
  const after = startOfLatest(schedule, earliest, before, count)
  return [...occurrences(schedule, { after, before, count })]
}

/** An instant, `earliest` or later, after which there are as many occurrences as `count` or all that there are. */
function startOfLatest(schedule: Schedule, earliest: number, before: number, count: number): number {
  if (countOccurrences(schedule, earliest, before) <= count) return earliest
  let tooMany = earliest
  let enough = before
  // Occurrences are a second apart, so half a second holds one at most.
  while (enough - tooMany > 500) {
    const middle = tooMany + (enough - tooMany) / 2
    if (countOccurrences(schedule, middle, before) > count) tooMany = middle
    else enough = middle
  }
  return enough
}

function wholeSecond(instant: number): number {
  if (!Number.isFinite(instant)) throw new RangeError(`An instant is a finite number of milliseconds, not ${instant}.`)
  return Math.max(Math.floor(instant / 1000), FIRST_SECOND - 1)
}

function nextSecond(schedule: Schedule, base: number): number | null {
  const zone = zoneOffsets(schedule.timeZone)
  if (zone === null) return nextLocalTime(schedule.ncrontab, base + 1)
  if (schedule.ncrontab.everyHour) return nextElapsed(schedule.ncrontab, zone, base + 1)
  const local = nextLocalTime(schedule.ncrontab, zone.highWater(base) + 1)
  return local === null ? null : zone.firstReaching(local)
}

/** The first instant from `first` on whose local time matches. */
function nextElapsed(ncrontab: Ncrontab, zone: ZoneOffsets, first: number): number | null {
  let stretch = zone.at(first)
  let searchedFrom = first + stretch.offset
  let match = nextLocalTime(ncrontab, searchedFrom)
  while (match !== null) {
    if (match - stretch.offset < stretch.end) return match - stretch.offset
    stretch = zone.at(stretch.end)
    const local = stretch.start + stretch.offset
    // Nothing matches between the two, so a new search is only needed outside, where the clock has jumped.
    if (local < searchedFrom || local > match) {
      searchedFrom = local
      match = nextLocalTime(ncrontab, local)
    }
  }
  return null
}

function countElapsed(ncrontab: Ncrontab, zone: ZoneOffsets, first: number, end: number): number {
  let count = 0
  for (let start = first; start < end; ) {
    const stretch = zone.at(start)
    const until = Math.min(end, stretch.end)
    count += countLocalTimes(ncrontab, start + stretch.offset, until + stretch.offset)
    start = until
  }
  return count
}

/** Counts the local times that are reached, those that a gap makes one only once. */
function countNamed(ncrontab: Ncrontab, zone: ZoneOffsets, first: number, end: number): number {
  let count = countLocalTimes(ncrontab, zone.highWater(first - 1) + 1, zone.highWater(end - 1) + 1)
  for (let stretch = zone.at(first - 1); stretch.end < end; ) {
    const change = stretch.end
    stretch = zone.at(change)
    const coinciding = countLocalTimes(ncrontab, zone.highWater(change - 1) + 1, change + stretch.offset + 1)
    if (coinciding > 1) count -= coinciding - 1
  }
  return count
}

function offsetText(offset: number): string {
  const seconds = Math.abs(offset)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[2] === 0 ? parts.slice(0, 2) : parts
  return `${offset < 0 ? '-' : '+'}${shown.map((part) => `${part}`.padStart(2, '0')).join(':')}`
}
